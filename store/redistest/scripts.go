package redistest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2"
	cjson "github.com/alicebob/miniredis/v2/gopher-json"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"
	lua "github.com/yuin/gopher-lua"
)

// scripts runs the scripts of a miniredis in one Lua state that stays, as Redis does. Miniredis makes a new state for each
// run, which takes ten times as long as most scripts: more than half of the processor time of virtual days.
//
// Here run scripts that are known by their hash and use nothing but commands and replies. All else is left to miniredis:
// the first run of each, transactions, other databases, passwords, and what is wrong in an EVALSHA itself.
type scripts struct {
	mini *miniredis.Miniredis

	mu      sync.Mutex
	known   map[string]*lua.FunctionProto // by hash
	queuing map[*server.Peer]bool         // connections between MULTI and EXEC
	other   bool                          // somebody chose a database or gave a password

	// What follows is for who holds the lock of miniredis.
	inside *server.Peer // what miniredis takes for the connection of a script; it answers into out
	out    bytes.Buffer
	in     *bufio.Reader // of out
	state  *lua.LState
	global *lua.LTable
}

// insideCommand is called by the one script through which miniredis shows what it takes for the connection of a script.
const insideCommand = "REDISTEST.INSIDE"

// runScripts has the scripts of a miniredis that is started run here.
func runScripts(m *miniredis.Miniredis) (*scripts, error) {
	s := &scripts{mini: m, known: map[string]*lua.FunctionProto{}, queuing: map[*server.Peer]bool{}}
	s.in = bufio.NewReader(&s.out)
	s.inside = server.NewPeer(bufio.NewWriter(&s.out))
	err := m.Server().Register(insideCommand, func(c *server.Peer, _ string, _ []string) {
		s.inside.Ctx = c.Ctx
		c.WriteOK()
	})
	if err != nil {
		return nil, fmt.Errorf("run the scripts of miniredis: %w", err)
	}
	m.Server().Dispatch(server.NewPeer(bufio.NewWriter(io.Discard)), []string{"EVAL", "return redis.call('" + insideCommand + "')", "0"})
	if s.inside.Ctx == nil {
		return nil, errors.New("run the scripts of miniredis: it did not say what the connection of a script is")
	}
	m.Server().SetPreHook(s.before)
	return s, nil
}

// before sees each command, those of scripts too, and reports whether it was carried out here.
func (s *scripts) before(c *server.Peer, command string, args ...string) bool {
	switch command {
	case "EVALSHA":
		return c != s.inside && s.evalSHA(c, args)
	case "EVAL", "SCRIPT", "MULTI", "EXEC", "DISCARD", "SELECT", "AUTH", "HELLO":
		s.note(c, command, args)
	}
	return false
}

// note keeps what before has to know of commands that miniredis carries out.
func (s *scripts) note(c *server.Peer, command string, args []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch command {
	case "EVAL":
		if len(args) > 0 {
			s.learn(args[0])
		}
	case "SCRIPT":
		if len(args) > 0 && strings.EqualFold(args[0], "FLUSH") {
			clear(s.known)
		}
	case "MULTI":
		s.queuing[c] = true
	case "EXEC", "DISCARD":
		delete(s.queuing, c)
	default:
		s.other = s.other || command == "AUTH" || command == "SELECT" && !slices.Equal(args, []string{"0"}) || command == "HELLO" && len(args) > 1
	}
}

var (
	compiled sync.Map // hash -> *lua.FunctionProto, nil for those that are left to miniredis
	library  = regexp.MustCompile(`\b(?:redis|server)\.(\w+)`)
	ours     = []string{"call", "pcall", "error_reply", "status_reply"}
)

// learn keeps a script that can run here.
func (s *scripts) learn(text string) {
	hash := redis.NewScript(text).Hash()
	if s.known[hash] != nil {
		return
	}
	proto, ok := compiled.Load(hash)
	if !ok {
		var p *lua.FunctionProto
		if !slices.ContainsFunc(library.FindAllStringSubmatch(text, -1), func(m []string) bool { return !slices.Contains(ours, m[1]) }) {
			p = compile(text)
		}
		proto, _ = compiled.LoadOrStore(hash, p)
	}
	if p := proto.(*lua.FunctionProto); p != nil {
		s.known[hash] = p
	}
}

// evalSHA carries out an EVALSHA and reports whether it could.
func (s *scripts) evalSHA(c *server.Peer, args []string) bool {
	if len(args) < 2 {
		return false
	}
	keys, err := strconv.Atoi(args[1])
	if err != nil || keys < 0 || keys > len(args)-2 {
		return false
	}
	s.mu.Lock()
	proto := s.known[args[0]]
	if s.other || s.queuing[c] {
		proto = nil
	}
	s.mu.Unlock()
	if proto == nil {
		return false
	}
	s.mini.Lock()
	defer s.mini.Unlock()
	if s.state == nil {
		s.open()
	}
	defer s.state.SetTop(0)
	s.global.RawSetString("KEYS", list(s.state, args[2:2+keys]))
	s.global.RawSetString("ARGV", list(s.state, args[2+keys:]))
	s.state.Push(s.state.NewFunctionFromProto(proto))
	if err := s.state.PCall(0, 1, nil); err != nil {
		c.WriteError("ERR Error running script: " + err.Error())
		return true
	}
	answer(c, s.state.Get(-1))
	return true
}

func list(l *lua.LState, values []string) *lua.LTable {
	t := l.CreateTable(len(values), 0)
	for _, v := range values {
		t.Append(lua.LString(v))
	}
	return t
}

// open makes the state: the libraries that Redis has too, and no other global variable, to read or to write.
func (s *scripts) open() {
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	s.state, s.global = l, l.Get(lua.GlobalsIndex).(*lua.LTable)
	for name, open := range map[string]lua.LGFunction{
		lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable, lua.StringLibName: lua.OpenString, lua.MathLibName: lua.OpenMath,
	} {
		l.Push(l.NewFunction(open))
		l.Push(lua.LString(name))
		l.Call(1, 0)
	}
	l.Push(l.NewFunction(cjson.Loader))
	l.Call(0, 1)
	s.global.RawSetString("cjson", l.Get(-1))
	l.SetTop(0)
	commands := l.SetFuncs(l.NewTable(), map[string]lua.LGFunction{
		"call":         func(l *lua.LState) int { return s.call(l, true) },
		"pcall":        func(l *lua.LState) int { return s.call(l, false) },
		"error_reply":  func(l *lua.LState) int { l.Push(reply(l, "err", errorText(l.CheckString(1)))); return 1 },
		"status_reply": func(l *lua.LState) int { l.Push(reply(l, "ok", l.CheckString(1))); return 1 },
	})
	s.global.RawSetString("redis", commands)
	s.global.RawSetString("server", commands)
	for _, name := range []string{"dofile", "loadfile", "module", "newproxy", "print", "require", "_printregs"} {
		s.global.RawSetString(name, lua.LNil)
	}
	s.global.Metatable = l.SetFuncs(l.NewTable(), map[string]lua.LGFunction{
		"__index": func(l *lua.LState) int {
			l.RaiseError("Script attempted to access nonexistent global variable '%s'", l.ToString(2))
			return 0
		},
		"__newindex": func(l *lua.LState) int {
			l.RaiseError("Script attempted to create global variable '%s'", l.ToString(2))
			return 0
		},
	})
}

// call is redis.call, or redis.pcall, which returns errors instead of raising them.
func (s *scripts) call(l *lua.LState, raise bool) int {
	args := make([]string, l.GetTop())
	if len(args) == 0 {
		l.RaiseError("Please specify at least one argument for this redis lib call")
	}
	for i := range args {
		switch v := l.Get(i + 1).(type) {
		case lua.LNumber:
			args[i] = v.String()
		case lua.LString:
			args[i] = string(v)
		default:
			l.RaiseError("Lua redis lib command arguments must be strings or integers")
		}
	}
	s.out.Reset()
	s.in.Reset(&s.out)
	s.mini.Server().Dispatch(s.inside, args)
	s.inside.Flush()
	got, err := server.ParseReply(s.in)
	switch {
	case err == nil:
		l.Push(value(l, got))
	case raise:
		l.Error(lua.LString(err.Error()), 1)
	default:
		l.Push(reply(l, "err", err.Error()))
	}
	return 1
}
