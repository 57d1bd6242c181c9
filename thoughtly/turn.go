package thoughtly

import (
	"strings"
	"time"
	"unicode"
)

// The speakers, under one name each. Any other is kept as it is told, in lower case.
const (
	SpeakerAgent  = "agent"  // the AI
	SpeakerPerson = "person" // who was called
)

// Turn is one thing said in a call.
type Turn struct {
	Speaker string // SpeakerAgent, SpeakerPerson, another, or empty if nobody is named
	Text    string
	At      time.Time // UTC; zero if not told
}

var speakers = map[string]string{
	"ai": SpeakerAgent, "agent": SpeakerAgent, "assistant": SpeakerAgent, "bot": SpeakerAgent, "interviewer": SpeakerAgent,
	"user": SpeakerPerson, "human": SpeakerPerson, "customer": SpeakerPerson, "contact": SpeakerPerson, "caller": SpeakerPerson,
	"person": SpeakerPerson, "lead": SpeakerPerson, "respondent": SpeakerPerson, "interviewee": SpeakerPerson,
}

// PersonSpoke says whether the person who was called said anything. A completed call without it may have been no answer.
func (r Response) PersonSpoke() bool {
	for _, turn := range r.Turns {
		if turn.Speaker == SpeakerPerson && turn.Text != "" {
			return true
		}
	}
	return false
}

// turnsOf reads what was said: from a list if there is one, else from the lines of a text.
func turnsOf(at layers) []Turn {
	own := strings.ToLower(at.text("ai_name", "agent_name"))
	for _, name := range []string{"transcript", "conversation_history", "messages"} {
		for _, o := range at {
			if turns := turnsIn(listOf(o.get(name)), own); len(turns) > 0 {
				return turns
			}
		}
	}
	return turnsSaid(at.text("transcript", "call_transcript"), own)
}

func turnsIn(items []any, own string) []Turn {
	turns := make([]Turn, 0, len(items))
	for _, item := range items {
		o := objectOf(item)
		turn := Turn{
			Speaker: speaker(o.text("speaker", "author", "role", "from"), own),
			Text:    firstOf(o.text("transcript", "text", "content", "message"), textOf(item)),
			At:      layers{o}.time("created_at", "date", "created", "timestamp", "time"),
		}
		if turn.Text != "" {
			turns = append(turns, turn)
		}
	}
	return turns
}

// named takes a line apart that begins with a speaker: up to 31 letters, digits, blanks and .'_- before a colon and a blank.
func named(line string) (who, said string, ok bool) {
	who, said, ok = strings.Cut(line, ":")
	if !ok || said == "" || !strings.ContainsRune(" \t\r\f", rune(said[0])) {
		return "", "", false
	}
	n := 0
	for _, r := range who {
		if n++; n > 31 || !unicode.IsLetter(r) && (n == 1 || !unicode.IsNumber(r) && !strings.ContainsRune(" .'_-", r)) {
			return "", "", false
		}
	}
	return who, strings.TrimSpace(said), n > 0
}

// turnsSaid reads a text, one turn a line; a line that names nobody goes on with the turn before.
func turnsSaid(text, own string) []Turn {
	var turns []Turn
	var said []string // the lines of the last turn
	finish := func() {
		if len(turns) > 0 {
			turns[len(turns)-1].Text = strings.Join(said, "\n")
		}
		said = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		who := ""
		if speaker, said, ok := named(line); ok {
			who, line = speaker, said
		}
		if who != "" || len(turns) == 0 {
			finish()
			turns = append(turns, Turn{Speaker: speaker(who, own)})
		}
		said = append(said, line)
	}
	finish()
	return turns
}

// speaker names a speaker. Own is the AI's name in this call, in lower case.
func speaker(told, own string) string {
	told = strings.ToLower(strings.TrimSpace(told))
	if told != "" && told == own {
		return SpeakerAgent
	}
	if known, ok := speakers[told]; ok {
		return known
	}
	return told
}
