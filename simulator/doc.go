// Package simulator is a fake Thoughtly with people who answer, ignore and hang up.
//
// A [Server] is an http.Handler that speaks the twelve operations of the public API as they are documented, refuses what is not
// documented, rings phones, keeps a log of every ring and every request, and posts webhooks as lossily as the real service. It shares
// no type with the rest of the project: a misreading in the client would otherwise be mirrored here and stay unseen.
//
// # What is fixed by the seed
//
// A person is a phone number. What the person does at the n-th ring depends on (Config.Seed, phone, n) alone, never on the order of
// requests, the agent, the team or the clock; see [Server.Meet]. Faults with a share depend on (seed, operation, phone, n-th request
// about that phone). Ids of contacts and calls are derived from the seed too.
//
// # How an outcome shows
//
// The status word says how the line ended; what was said shows in the agent's outcome word, its data points and the transcript:
//
//	outcome         status          outcome word     transcript and data points
//	completed       COMPLETED       qualified        the person agrees
//	hang_up         COMPLETED       -                "Hello?", then nothing
//	not_interested  COMPLETED       not_interested   "I'm not interested."
//	callback        COMPLETED       callback         "call me back …"; callback_time, RFC 3339, or words when vague
//	opt_out         COMPLETED       do_not_call      always holds "stop calling me", in some case
//	wrong_number    COMPLETED       wrong_number     "wrong number"
//	transferred     TRANSFERRED     transferred      a PHONE_TRANSFER event comes before the end
//	voicemail       LEFT_VOICEMAIL  voicemail        a greeting, then the agent's message
//	no_answer       NO_ANSWER       -                empty
//	busy            BUSY            -                empty
//	failed          FAILED          -                empty
//	cancelled       CANCELLED       -                empty
//	suppressed      SUPPRESSED      -                empty; the phone does not ring
//	strange         a word that no list has, with an end time
//	stuck           IN_PROGRESS for ever, no webhook
//
// In the real shape the outcome word is summary_data.outcome and data points are summary_data.data_points; in the documented
// shape they are call.outcome and entries of custom_fields (of metadata in listings). A share of the records
// (Records.Unlabelled) lacks the word, so that only the transcript tells.
//
// Durations of records are those of an unhurried call: Config.Speed shortens how long the simulation takes, not what it reports.
//
// # What is checked with it
//
// The rings ([Server.Rings], Config.RingLog) and the requests ([Server.Requests], [Server.Peak]) are logged by the fake itself, so that
// promises are held against what happened and not against somebody's own records. [Server.Summary] counts both. The same and the
// switches for faults are served under /_sim/ on loopback: GET rings, requests, summary and profile; POST profile, faults, reset, suppress,
// team, agent and inbound; DELETE faults.
//
// Requests come in over TCP ([Server.Start], or any http.Server), over HTTP in memory ([Server.Dialer]) or without HTTP
// ([Server.Transport]); the last two work inside a synctest bubble, in virtual time.
//
// # Unknown behaviour
//
// Much of the real service is undocumented: duplicate creates, the body of a call's reply, the order of listings, whether metadata
// comes back. Each of these is an option of [Profile], and a client should be right under all of them.
package simulator
