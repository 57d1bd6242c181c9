package simulator

import (
	"strings"
	"time"
)

// line is something said in a call.
type line struct {
	ai   bool
	text string
	at   time.Duration // since the answer, unhurried
}

// moment is how far a call has come.
type moment int

const (
	waiting moment = iota
	talking
	over
)

func (c *call) present() moment {
	switch {
	case !c.ended.IsZero():
		return over
	case !c.connected.IsZero():
		return talking
	default:
		return waiting
	}
}

// script is what has been said by then. A call that nobody answered is silent.
func (c *call) script(then moment) []line {
	if c.meeting.talk == 0 {
		return nil
	}
	all := c.lines()
	if then != over {
		all = all[:1]
		if !all[0].ai {
			return nil
		}
	}
	for i := range all {
		all[i].at = c.meeting.talk * time.Duration(i) / time.Duration(len(all)+1)
	}
	return all
}

func (c *call) lines() []line {
	d := roll(c.meeting.voice)
	ai := func(t string) line { return line{ai: true, text: t} }
	me := func(texts ...string) line { return line{text: pick(d, texts...)} }
	name, _, _ := strings.Cut(c.contact.Name, " ")
	if name == "" {
		name = "there"
	}
	hello := ai("Hi " + name + ", this is Maya. Is now a good time?")
	switch c.meeting.outcome {
	case HangUp:
		return []line{hello, me("Hello?", "Hello? Who is it?")}
	case NotInterested:
		return []line{hello, me("I'm not interested.", "No thanks, I'm not interested.", "We have one already, I'm not interested."), ai("I see. Have a good day.")}
	case OptOut:
		return []line{
			hello,
			me("Please stop calling me.", "Stop calling me, take me off your list.", "I told you people to stop calling me!"),
			ai("I'm sorry. You will not hear from us again."),
		}
	case Callback:
		return []line{
			hello, me("I'm driving, can you call me back?", "Not now. Call me back another time.", "I'm in a meeting, call me back."),
			ai("Of course. When would suit you?"), me("The same number, when I'm home."), ai("I will call you then."),
		}
	case WrongNumber:
		return []line{hello, me("There is nobody of that name here, you have the wrong number.", "Wrong number."), ai("I'm sorry to have bothered you.")}
	case Transferred:
		return []line{hello, me("Yes, but I'd rather speak to a person."), ai("I'll put you through to a colleague now.")}
	case Voicemail:
		return []line{
			{text: "You have reached the voicemail of this number. Please leave a message after the tone."},
			ai("Hi " + name + ", this is Maya. I'll try again another day."),
		}
	default:
		return []line{
			hello, me("Yes, what is it about?", "Sure, go ahead."), ai("You asked us for an offer. May I send it to you?"),
			me("Yes, please do.", "Yes, send it to my e-mail address."), ai("I will. Thank you, and have a good day."),
		}
	}
}

func plain(script []line) string {
	var b strings.Builder
	for i, l := range script {
		if i > 0 {
			b.WriteByte('\n')
		}
		who := "User: "
		if l.ai {
			who = "Agent: "
		}
		b.WriteString(who + l.text)
	}
	return b.String()
}

// wording is how one state or outcome is called: by the real service, in the documentation, and elsewhere.
type wording struct {
	real, documented string
	others           []string
	outcome          string // the agent's word
	summary          string
}

var (
	wordsWaiting = wording{real: "NOT_STARTED", documented: "queued", others: []string{"PENDING", "SCHEDULED", "Not Started"}}
	wordsTalking = wording{real: "IN_PROGRESS", documented: "in_progress", others: []string{"STARTED", "RINGING", "In Progress"}}

	wordsOver = map[Outcome]wording{
		Completed:     talked("qualified", "Wants the offer by e-mail."),
		HangUp:        talked("", "The person hung up."),
		NotInterested: talked("not_interested", "Not interested."),
		Callback:      talked("callback", "Asked to be called back."),
		OptOut:        talked("do_not_call", "Does not want to be called."),
		WrongNumber:   talked("wrong_number", "Somebody else's number."),
		Transferred: {
			real: "TRANSFERRED", documented: "transferred", others: []string{"TRANSFER", "Transferred"},
			outcome: "transferred", summary: "Put through to a colleague.",
		},
		Voicemail: {
			real: "LEFT_VOICEMAIL", documented: "voicemail", others: []string{"VOICEMAIL_LEFT", "Left Voicemail", "machine"},
			outcome: "voicemail", summary: "Left a message.",
		},
		NoAnswer:   {real: "NO_ANSWER", documented: "no_answer", others: []string{"UNANSWERED", "MISSED", "No Answer", "no-answer"}},
		Busy:       {real: "BUSY", documented: "busy", others: []string{"Busy", "CALL_BUSY"}},
		Failed:     {real: "FAILED", documented: "failure", others: []string{"ERROR", "Failed", "CALL_FAILED"}},
		Cancelled:  {real: "CANCELLED", documented: "canceled", others: []string{"CANCELED", "Cancelled"}},
		Suppressed: {real: "SUPPRESSED", documented: "suppressed", others: []string{"BLOCKED", "OPTED_OUT", "Suppressed"}},
		Strange:    {real: "DIVERTED_TO_SCREENER", documented: "screened", others: []string{"PARKED", "Held By Carrier"}},
		Stuck:      wordsTalking,
	}
)

func talked(outcome, summary string) wording {
	return wording{
		real: "COMPLETED", documented: "success", others: []string{"Completed", "FINISHED", "DONE", "ENDED", "CALL_COMPLETED"},
		outcome: outcome, summary: summary,
	}
}

func (c *call) words() wording {
	switch c.present() {
	case waiting:
		return wordsWaiting
	case talking:
		return wordsTalking
	case over:
	}
	return wordsOver[c.meeting.outcome]
}
