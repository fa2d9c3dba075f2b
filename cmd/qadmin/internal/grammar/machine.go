package grammar

// machine is all statements as one nondeterministic automaton. It is run with
// all its threads at once, so that the time is the number of tokens times a
// constant, and what can follow at any place is what the threads wait for.
type machine struct {
	insts []inst
	start int
}

type op uint8

const (
	opWord   op = iota // take a keyword or symbol, go on at x
	opSlot             // take a name or value, go on at x
	opSplit            // go on at x and at y, x first
	opAccept           // the end of a statement
)

type inst struct {
	op    op
	word  string
	slot  Slot
	label string
	stmt  *Statement
	x, y  int
}

func (m *machine) emit(i inst) int {
	m.insts = append(m.insts, i)
	return len(m.insts) - 1
}

// compile makes the instructions of a tree, which go on at next.
func (m *machine) compile(n *node, next int) int {
	switch n.kind {
	case nWord:
		return m.emit(inst{op: opWord, word: n.word, x: next})
	case nSlot:
		return m.emit(inst{op: opSlot, slot: n.slot, label: n.label, x: next})
	case nSeq:
		for i := len(n.kids) - 1; i >= 0; i-- {
			next = m.compile(n.kids[i], next)
		}
		return next
	case nAlt:
		at := m.compile(n.kids[len(n.kids)-1], next)
		for i := len(n.kids) - 2; i >= 0; i-- {
			at = m.emit(inst{op: opSplit, x: m.compile(n.kids[i], next), y: at})
		}
		return at
	case nOptional:
		return m.emit(inst{op: opSplit, x: m.compile(n.kids[0], next), y: next})
	}
	loop := m.emit(inst{op: opSplit, y: next})
	m.insts[loop].x = m.compile(n.kids[0], loop)
	return loop
}

// newMachine makes the automaton of a table. Statements that come first win.
func newMachine(table []*Statement, rules map[string]string) (*machine, error) {
	m := &machine{}
	starts := make([]int, len(table))
	for i, st := range table {
		tree, err := parseSyntax(st.Syntax, rules)
		if err != nil {
			return nil, err
		}
		starts[i] = m.compile(tree, m.emit(inst{op: opAccept, stmt: st}))
	}
	at := starts[len(starts)-1]
	for i := len(starts) - 2; i >= 0; i-- {
		at = m.emit(inst{op: opSplit, x: starts[i], y: at})
	}
	m.start = at
	return m, nil
}

// Arg is a word of a statement with its place in the grammar.
type Arg struct {
	Label string // of a slot; of a keyword or symbol the word itself
	Slot  Slot   // "" for a keyword
	Token Token
}

// argList is what a thread has taken, the newest first. Threads share tails.
type argList struct {
	Arg
	before *argList
}

func (a *argList) slice() []Arg {
	n := 0
	for p := a; p != nil; p = p.before {
		n++
	}
	args := make([]Arg, n)
	for p := a; p != nil; p = p.before {
		n--
		args[n] = p.Arg
	}
	return args
}

type thread struct {
	at   int
	args *argList
}

// run is one walk of the machine over tokens.
type run struct {
	m       *machine
	threads []thread // what waits now, the preferred first
	seen    []int    // step in which an instruction was added last
	step    int
}

func (m *machine) run() *run {
	r := &run{m: m, seen: make([]int, len(m.insts))}
	r.next(func(add func(at int, args *argList)) { add(m.start, nil) })
	return r
}

// next replaces the threads by those that fill adds, and by what follows
// without a token.
func (r *run) next(fill func(add func(at int, args *argList))) {
	r.step++
	var list []thread
	var add func(at int, args *argList)
	add = func(at int, args *argList) {
		if r.seen[at] == r.step {
			return
		}
		r.seen[at] = r.step
		i := r.m.insts[at]
		if i.op == opSplit {
			add(i.x, args)
			add(i.y, args)
			return
		}
		list = append(list, thread{at, args})
	}
	fill(add)
	r.threads = list
}

// take goes over one token. It tells whether any thread could; if not, the
// threads stay as they are.
func (r *run) take(t Token) bool {
	before := r.threads
	r.next(func(add func(at int, args *argList)) {
		for _, th := range before {
			i := r.m.insts[th.at]
			switch {
			case i.op == opWord && (t.Kind == Word || t.Kind == Symbol) && t.Value == i.word:
				add(i.x, &argList{Arg{i.word, "", t}, th.args})
			case i.op == opSlot && i.slot.takes(t):
				add(i.x, &argList{Arg{i.label, i.slot, t}, th.args})
			}
		}
	})
	if len(r.threads) == 0 {
		r.threads = before
		return false
	}
	return true
}

// accepted returns the thread that is at the end of a statement.
func (r *run) accepted() (*Statement, *argList, bool) {
	for _, th := range r.threads {
		if i := r.m.insts[th.at]; i.op == opAccept {
			return i.stmt, th.args, true
		}
	}
	return nil, nil, false
}

// reach returns the statements that a thread can still become.
func (r *run) reach() map[*Statement]bool {
	found := map[*Statement]bool{}
	seen := make([]bool, len(r.m.insts))
	var walk func(at int)
	walk = func(at int) {
		if seen[at] {
			return
		}
		seen[at] = true
		switch i := r.m.insts[at]; i.op {
		case opAccept:
			found[i.stmt] = true
		case opSplit:
			walk(i.x)
			walk(i.y)
		default:
			walk(i.x)
		}
	}
	for _, th := range r.threads {
		walk(th.at)
	}
	return found
}
