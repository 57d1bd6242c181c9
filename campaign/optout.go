package campaign

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// The ways of saying "never call me again", in the languages that people in the US and Canada are called in: English, Spanish and French.
// A person may say so in any reasonable manner (47 CFR 64.1200(a)(10); for Canada the CRTC's Unsolicited Telecommunications Rules, part
// III), so the phrases are those of everyday speech and not a list of keywords. They are written without capitals and accents, as fold
// makes a text. The bare word "stop" is not among them, because people say it about many things; a text of one word is (alone). Rather one
// person too many is left alone than one too few: "no deje de llamarme" without its comma is read as "no, deje de llamarme".
var (
	optOutEnglish = []string{
		`(stop|quit|cease)\s+(calling|phoning|contacting|ringing|bothering|harassing)`,
		`(do\s*not|do\s*n[o']?t|never|not\s+to)\s+(you\s+)?(ever\s+)?(call|phone|contact|ring)\s+(me|us|this|here|again|any\s?more|my|back)`,
		`(do\s*not|do\s*n[o']?t)\s+want\s+(you\s+to\s+(call|phone|contact|ring)|to\s+be\s+called|(any\s+)?(more\s+)?(of\s+)?((your|these|those)\s+)?calls)`,
		`no\s+more\s+calls`,
		`(take|keep)\s+(me|us|my\s+(phone\s+)?(number|name)|this\s+number)\s+off`,
		`(remove|delete|erase)\s+(me|us|my\s+(phone\s+)?(number|name)|this\s+number)`,
		`unsubscribe`,
		`opt(ing)?\s*((me|us)\s+)?out`,
		`(put|add|place)\s+(me|us|my\s+number|this\s+number)\s+on\s+(your|the|a)\s+do[\s-]not[\s-]call`,
		`lose\s+my\s+number`,
		`leave\s+(me|us)\s+alone`,
	}
	optOutSpanish = []string{
		`(no|nunca(\s+mas)?|jamas)\s+(me|nos)\s+(llame|contacte|moleste|marque|telefonee|hable)[ns]?(\s+mas)?`,
		`(no|nunca(\s+mas)?|jamas)\s+((me|nos)\s+)?vuelva[ns]?\s+a\s+(llamar|contactar|molestar|marcar|telefonear)(me|nos)?`,
		`(no|nunca)\s+llame[ns]?\s+(mas|nunca|otra\s+vez|de\s+nuevo|a\s+est[ea])`,
		`(deje|deja|pare|para|basta|cese)[ns]?\s+(ya\s+)?de\s+(llamar|contactar|molestar|marcar|telefonear|acosar)(me|nos)?`,
		`no\s+(quiero|queremos|deseo|deseamos)\s+que\s+(me|nos)\s+(llame|vuelva|contacte|moleste|marque)[ns]?`,
		`no\s+(quiero|queremos|deseo|deseamos)\s+((recibir|mas|sus|estas|esas|tus)\s+)*llamadas`,
		`(no|ni\s+una)\s+(mas\s+)?llamadas?(\s+mas)?`,
		`(quit|borr|elimin|sac|saqu|retir|tach|sup?rim)(e|en|a|ar|an)(me|nos)\s+de\s+(la|las|su|sus|esta|tu|tus)\s+(lista|base|registro|directorio|sistema)s?`,
		`(quit|borr|elimin|sac|saqu|retir|tach)(e|en|a|ar)\s+mi\s+(numero|nombre|telefono)`,
		`(darme|darnos|deme|denme|dame)\s+de\s+baja`,
		`(ponga|pongan|ponme|pongame|agregue|agregueme|anote|anoteme)\s+.{0,20}lista\s+de\s+no\s+llamar`,
		`(deje|deja|dejen)(me|nos)\s+(en\s+paz|tranquil[oa]s?)`,
		`(olvide|olvida|olviden|pierda)(se|te|nse)?\s+(de\s+)?mi\s+(numero|telefono)`,
	}
	optOutFrench = []string{
		`n[e']?\s*(m'\s*|me\s+|nous\s+)(re|r)?(appelez|contactez|telephonez|derangez|embetez|harcelez|sollicitez)\s+(plus|pas|jamais)`,
		`ne\s+(m'\s*|me\s+|nous\s+)(re|r)?(appelle|contacte|telephone|derange|embete)s?\s+(plus|jamais)`,
		`(m'\s*|me\s+|nous\s+)(re|r)?(appelez|contactez|telephonez|derangez)\s+plus`,
		`(n'|ne\s+)\s*(re|r)?(appelez|appelle|contactez|telephonez)\s+(plus|pas|jamais)`,
		`(arrete|arretez|cesse|cessez|arreter|cesser)\s+(donc\s+)?de\s+(m'\s*|me\s+|nous\s+)?(re|r)?(appeler|contacter|telephoner|deranger|embeter|harceler|solliciter)`,
		`(arrete|arretez|cesse|cessez)\s+(les|vos|ces|tes)\s+appels`,
		`(veux|voulons|voudrais|souhaite|souhaitons|desire)\s+(plus|pas)\s+(jamais\s+)?((recevoir|avoir|etre)\s+)?(d'\s*|de\s+vos\s+|vos\s+|de\s+)?(appels?|r?appelee?s?|contactee?s?|derangee?s?|sollicitee?s?)`,
		`(veux|voulons|voudrais|souhaite|souhaitons|desire)\s+(plus|pas)\s+que\s+(vous|tu|l'on|on)\s+(m'\s*|me\s+|nous\s+)(re|r)?(appel|contact|telephon|derang)\w*`,
		`plus\s+(jamais\s+)?(d'\s*appels?|aucun\s+appel)`,
		`(retire|enleve|supprime|raye|ote|efface|sorte|sors)[zr]?[\s-]+(moi|nous)\s+de\s+(la|votre|vos|cette|ta|ces)\s+(liste|base|fichier|registre|repertoire)s?`,
		`(retire|enleve|supprime|raye|ote|efface|oublie)[zr]?\s+(mon|notre|ce)\s+(numero|nom|telephone)`,
		`(desinscri|desabonn)\w+`,
		`(mette|ajoute|inscrive)z[\s-]+(moi|nous)\s+sur\s+.{0,20}liste\s+(d'\s*exclusion|des\s+numeros\s+exclus|de\s+numeros\s+exclus|interne)`,
		`(laisse|fiche|fou[st]e?)z?[\s-]+(moi|nous)\s+(tranquilles?|en\s+paix|la\s+paix)`,
	}
	// optOutAlone are words that say it when they are all that is said.
	optOutAlone = []string{"stop", "alto", "basta", "pare", "paren", "parar", "arret", "arrete", "arretez", "arreter", "stopper"}
	// optOutLater is taken out of a text first: "m'appelez plus tard" is a wish to be called.
	optOutLater = []string{`plus\s+(tard|tot|souvent|longtemps|vite)`}
	// optOutOffered is how an agent tells people of their right, in a text that does not say who speaks.
	optOutOffered = []string{
		`say|press|reply|text|to\s+opt\s*out|can\s+opt\s*out|would\s+you\s+like`,
		`diga|presione|pulse|oprima|marque\s+(el\s+)?(\d|uno|dos|tres|nueve)|responda|si\s+(usted\s+)?(desea|prefiere|quiere)|le\s+gustaria`,
		`dites|appuyez|tapez|composez|repondez|si\s+vous\s+(souhaitez|desirez|preferez|voulez)|voulez[\s-]+vous|souhaitez[\s-]+vous`,
	}
)

// optOut is all of it, compiled once.
var optOut = sync.OnceValue(func() (re struct{ said, later, offered *regexp.Regexp }) {
	words := func(all ...[]string) *regexp.Regexp {
		var parts []string
		for _, some := range all {
			parts = append(parts, some...)
		}
		return regexp.MustCompile(`\b(` + strings.Join(parts, "|") + `)\b`)
	}
	re.said, re.later, re.offered = words(optOutEnglish, optOutSpanish, optOutFrench), words(optOutLater), words(optOutOffered)
	return re
})

// OptsOut reports whether what a person said means that they do not want to be called again: in one of the languages above, or in one of
// the campaign's own phrases.
func OptsOut(text string, own []string) bool {
	text = fold(text)
	re := optOut()
	if re.said.MatchString(re.later.ReplaceAllString(text, " later ")) {
		return true
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return !wordRune(r) })
	if len(words) == 1 && slices.Contains(optOutAlone, words[0]) {
		return true
	}
	spoken := " " + strings.Join(words, " ") + " "
	for _, phrase := range own {
		if p := foldPhrase(phrase); p != "" && strings.Contains(spoken, " "+p+" ") {
			return true
		}
	}
	return false
}

// OffersOptOut reports whether a text tells somebody how to opt out, as an agent does.
func OffersOptOut(text string) bool { return optOut().offered.MatchString(fold(text)) }

const (
	// optOutLeast is how many letters a phrase of a campaign's own must have: "no" alone is said about many things.
	optOutLeast = 4
	// optOutMost is how many phrases a campaign may have.
	optOutMost = 100
)

// ValidOptOutWords reports what is wrong with a campaign's own phrases, and which one it is; "" when they will do.
func ValidOptOutWords(own []string) (index int, problem string) {
	if len(own) > optOutMost {
		return optOutMost, "is one phrase too many; 100 will do"
	}
	for i, phrase := range own {
		switch p := foldPhrase(phrase); {
		case len(strings.ReplaceAll(p, " ", "")) < optOutLeast:
			return i, "is too short to mean only this; write at least 4 letters"
		case len(p) > 200:
			return i, "is too long to be said; write at most 200 letters"
		}
	}
	return 0, ""
}

// foldPhrase is a phrase as its words alone.
func foldPhrase(phrase string) string {
	return strings.Join(strings.FieldsFunc(fold(phrase), func(r rune) bool { return !wordRune(r) }), " ")
}

// wordRune reports whether a folded letter is part of a word.
func wordRune(r rune) bool {
	return r == '\'' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 0x7f
}

// folds writes letters without their accents, and apostrophes, of which there are many, as one.
var folds = strings.NewReplacer(
	"’", "'", "‘", "'", "ʼ", "'", "`", "'", "´", "'", "′", "'",
	"á", "a", "à", "a", "â", "a", "ä", "a", "ã", "a", "å", "a", "é", "e", "è", "e", "ê", "e", "ë", "e", "í", "i", "ì", "i", "î", "i", "ï", "i",
	"ó", "o", "ò", "o", "ô", "o", "ö", "o", "õ", "o", "ú", "u", "ù", "u", "û", "u", "ü", "u", "ñ", "n", "ç", "c", "ÿ", "y", "œ", "oe", "æ", "ae",
	"\u00a0", " ", "\u202f", " ", "‐", "-", "‑", "-",
)

// fold writes a text in small letters without accents, so that one way of writing stands for all.
func fold(text string) string {
	text = folds.Replace(strings.ToLower(text))
	return strings.Map(func(r rune) rune {
		if r >= 0x0300 && r <= 0x036f { // an accent that stands behind its letter
			return -1
		}
		return r
	}, text)
}
