package campaign

import (
	"slices"
	"strings"
	"testing"
)

func TestOptsOutInThreeLanguages(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		// English
		"Stop calling me.", "please don't call me again", "I don’t want any more calls", "DO NOT CALL HERE", "never call this number", "take me off your list",
		"remove my phone number", "unsubscribe", "I'd like to opt out", "put me on your do-not-call list", "lose my number", "leave me alone!", "Stop", "STOP.",
		"dont call me back", "no more calls please", "call me again? No, stop calling", "do not contact us", "please quit phoning",
		// Spanish
		"No me llame más", "no me llame", "no me llamen nunca más", "Por favor, no me vuelvan a llamar", "no vuelva a llamarme", "Deje de llamarme", "dejen de molestar",
		"pare de llamar", "ya no me llame, por favor", "no quiero que me llamen", "no quiero recibir más llamadas", "no deseo sus llamadas", "quíteme de su lista",
		"Bórreme de la lista", "elimínenme de sus listas", "saquen mi número", "quiten mi teléfono", "quiero darme de baja", "déjeme en paz", "déjenme tranquila",
		"nunca más me llamen", "no llamen más", "olvídense de mi número", "NO ME LLAME MÁS", "Basta.", "alto", "no más llamadas", "No me contacten",
		"quiero que me quiten de la lista, quitarme de la lista ya", "no me moleste", "póngame en la lista de no llamar", "no, deje de llamarme", "no deje de llamarme",
		// French
		"Ne m'appelez plus", "ne m’appelez plus jamais", "ne me rappelez pas", "ne me contactez plus", "Ne m'appelle plus", "m'appelez plus", "arrêtez de m'appeler",
		"Arrête de me téléphoner", "cessez de me déranger", "arrêtez vos appels", "je ne veux plus d'appels", "je veux plus être appelé", "je ne souhaite plus être contactée",
		"je ne veux pas que vous m'appeliez", "je ne veux plus recevoir vos appels", "retirez-moi de votre liste", "Enlevez mon numéro", "supprimez-moi de vos fichiers",
		"rayez mon nom", "désinscrivez-moi", "je veux me désabonner", "laissez-moi tranquille", "foutez-moi la paix", "Arrêtez", "n'appelez plus", "plus aucun appel",
		"inscrivez-moi sur votre liste d'exclusion", "Ne m'appelez pas", "ne nous appelez plus", "ne me derangez plus", "oubliez mon numéro", "Ne m\u2019appelez\u00a0plus",
		"ne m'appelez plus, même pas plus tard", "arre\u0302tez de m'appeler",
	} {
		if !OptsOut(said, nil) {
			t.Errorf("not heard: %q", said)
		}
	}
	for _, said := range []string{
		// English
		"call me again, don't stop", "Don't stop, call me again", "I couldn't stop laughing", "you can call me", "stop by any time", "please call back later",
		"we never got your call", "remove the fee", "not now, call tomorrow", "", "yes", "no", "my number is 5", "the bus stop",
		// Spanish
		"Llámeme otra vez, no pare", "no me llamo Juan", "¿Por qué no me llaman?", "no me llamaron ayer", "vuelva a llamarme mañana", "no, llámeme mañana", "me llama después",
		"no tengo tiempo, llame más tarde", "pare un minuto", "no puedo hablar ahora", "para llamar a mi casa use este", "quite eso de la cuenta", "quiero recibir más información",
		"estoy de baja por enfermedad", "no, no me llamaba así", "no sé", "la lista de precios",
		// French
		"Je ne m'appelle pas Jean", "rappelez-moi plus tard", "m'appelez plus tard s'il vous plaît", "vous m'appelez plus souvent que ma mère", "appelez-moi demain", "pas maintenant",
		"je n'ai pas le temps, rappelez", "pourquoi ne m'appelez-vous pas", "ça ne me dérange pas", "j'arrête de fumer", "retirez-moi un doute", "je ne peux pas parler",
		"non merci", "n'arrêtez pas", "il y a plus de choix", "je voudrais plus d'informations", "vous pouvez m'appeler plus tôt",
	} {
		if OptsOut(said, nil) {
			t.Errorf("heard an opt-out in %q", said)
		}
	}
}

func TestACampaignsOwnWordsAreHeardToo(t *testing.T) {
	t.Parallel()
	own := []string{"Bitte nicht mehr anrufen", "pas intéressé du tout", "remove me!"}
	for said, want := range map[string]bool{
		"Bitte, nicht mehr anrufen.": true, "BITTE NICHT MEHR  ANRUFEN": true, "Pas interesse du tout": true, "bitte mehr anrufen": false, "pas intéressé": false,
		"xbitte nicht mehr anrufen": false, "bitte nicht mehr anrufens": false,
	} {
		if got := OptsOut(said, own); got != want {
			t.Errorf("%q: %t, want %t", said, got, want)
		}
	}
	if OptsOut("anything", []string{"", "!!"}) {
		t.Error("an empty phrase is heard in everything")
	}
	for _, tt := range []struct {
		own   []string
		index int
		wrong string
	}{
		{own, 0, ""},
		{nil, 0, ""},
		{[]string{"leave it", "no"}, 1, "too short"},
		{[]string{" ?! "}, 0, "too short"},
		{[]string{strings.Repeat("long ", 50)}, 0, "too long"},
		{slices.Repeat([]string{"phrase"}, 101), 100, "too many"},
	} {
		if i, wrong := ValidOptOutWords(tt.own); i != tt.index || (wrong == "") != (tt.wrong == "") || !strings.Contains(wrong, tt.wrong) {
			t.Errorf("%.40q: %d %q", tt.own, i, wrong)
		}
	}
}

func TestAnAgentsOfferIsNoOptOut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"You can say stop calling at any time": true, "Si desea que no le llamemos, diga basta": true, "Pour ne plus recevoir d'appels, dites arrêtez": true,
		"Appuyez sur 9": true, "Marque 9 para no recibir llamadas": true, "stop calling me": false, "no me llame más": false, "ne m'appelez plus": false,
		"no me marque más": false,
	} {
		if got := OffersOptOut(text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

// Whatever is said, reading it ends and does not panic.
func FuzzOptsOut(f *testing.F) {
	f.Add("ne m'appelez plus", "quita mi teléfono")
	f.Add("\u0301\u0301", "\u0301")
	f.Fuzz(func(t *testing.T, said, own string) {
		got := OptsOut(said, []string{own})
		if again := OptsOut(fold(said), []string{own}); got != again {
			t.Errorf("%q: %t, folded %t", said, got, again)
		}
		OffersOptOut(said)
		ValidOptOutWords([]string{own})
	})
}
