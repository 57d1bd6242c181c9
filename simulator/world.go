package simulator

import "fmt"

// Profiles are the names of the built-in profiles.
var Profiles = []string{"calm", "messy", "hostile"}

// Named returns a built-in profile: calm, messy or hostile.
func Named(name string) (Profile, error) {
	switch name {
	case "calm":
		return Calm(), nil
	case "messy":
		return Messy(), nil
	case "hostile":
		return Hostile(), nil
	default:
		return Profile{}, fmt.Errorf("unknown profile %q (one of %v)", name, Profiles)
	}
}

// Calm is a good day: every webhook arrives once and in order, in the real shape, with the metadata; no faults.
func Calm() Profile {
	return Profile{
		Name: "calm",
		People: People{
			Weights: map[Outcome]float64{
				Completed: 30, NoAnswer: 28, Voicemail: 17, Busy: 6, NotInterested: 6, HangUp: 3,
				Callback: 4, Transferred: 2, OptOut: 2, WrongNumber: 1, Failed: 1,
			},
			Ring: Span{3, 25}, Talk: Span{20, 180}, Callback: Span{3600, 48 * 3600},
		},
		Records:  Records{Shape: ShapeReal, Echo: EchoAlways},
		Webhooks: Webhooks{Delay: Span{0.1, 1}},
		API: API{
			Latency:    Latency{Base: 0.02, Mean: 0.03},
			Duplicates: DuplicatesNew, CallReply: ReplyRecord, Resubscribe: ResubscribeConflict, Blocked: BlockedAccept,
			Order: OrderNewest, Search: SearchFull,
		},
	}
}

// Messy is an ordinary bad day: both shapes, some webhooks lost, doubled, late, early or out of order, slow replies, a few errors.
func Messy() Profile {
	p := Calm()
	p.Name = "messy"
	p.People.Weights[Strange], p.People.Weights[Cancelled] = 0.5, 0.5
	p.People.SuppressedShare, p.People.Vague = 0.01, 0.2
	p.Records = Records{Shape: ShapeMixed, Echo: EchoAlways, System: 0.3, Unlabelled: 0.2, LateRecording: 0.3}
	p.Webhooks = Webhooks{
		Loss: 0.1, Double: 0.1, Late: 0.05, Early: 0.3, BeforeReply: 0.1, Reorder: 0.1, Stray: 0.02,
		Delay: Span{0.1, 3}, LateBy: Span{30, 600},
	}
	p.API.Latency = Latency{Base: 0.04, Mean: 0.06, TailShare: 0.02, Tail: 1.5}
	p.API.CallReply, p.API.Order, p.API.ListLag = ReplyMixed, OrderOldest, 2
	p.Faults = []Fault{
		{Op: OpCall, Kind: "500_before", Share: 0.002},
		{Op: OpCall, Kind: "500_after", Share: 0.002},
		{Op: OpCall, Kind: "hang_after", Share: 0.001},
		{Op: OpCreate, Kind: "500_after", Share: 0.002},
		{Op: OpResponses, Kind: "502_before", Share: 0.005},
	}
	return p
}

// Hostile is the day to be proof against: a third of the webhooks lost, a third doubled, many late by up to hours, metadata that often
// does not come back, ambiguous errors, hangs and resets on both sides of the ring.
func Hostile() Profile {
	p := Messy()
	p.Name = "hostile"
	p.People.Weights[Strange], p.People.Weights[Stuck] = 1, 0.5
	p.Records.Echo, p.Records.Unlabelled = EchoMixed, 0.4
	p.Webhooks.Loss, p.Webhooks.Double, p.Webhooks.Late, p.Webhooks.BeforeReply = 0.3, 0.3, 0.2, 0.3
	p.Webhooks.Reorder, p.Webhooks.Stray, p.Webhooks.LateBy = 0.3, 0.1, Span{60, 3 * 3600}
	p.API.Latency = Latency{Base: 0.04, Mean: 0.2, TailShare: 0.05, Tail: 4.5}
	p.API.Order, p.API.ListLag, p.API.Resubscribe = OrderRandom, 10, ResubscribeDouble
	p.Faults = []Fault{
		{Op: OpCall, Kind: "500_before", Share: 0.01},
		{Op: OpCall, Kind: "500_after", Share: 0.01},
		{Op: OpCall, Kind: "408_before", Share: 0.005},
		{Op: OpCall, Kind: "408_after", Share: 0.005},
		{Op: OpCall, Kind: "hang_before", Share: 0.005},
		{Op: OpCall, Kind: "hang_after", Share: 0.01},
		{Op: OpCall, Kind: "reset_before", Share: 0.005},
		{Op: OpCall, Kind: "reset_after", Share: 0.01},
		{Op: OpCall, Kind: "200_error_before", Share: 0.005},
		{Op: OpCall, Kind: "cut_after", Share: 0.005},
		{Op: OpCreate, Kind: "500_after", Share: 0.01},
		{Op: OpCreate, Kind: "hang_after", Share: 0.005},
		{Op: OpCreate, Kind: "reset_before", Share: 0.005},
		{Op: OpResponses, Kind: "502_before", Share: 0.02},
		{Op: OpResponses, Kind: "cut_after", Share: 0.01},
	}
	return p
}
