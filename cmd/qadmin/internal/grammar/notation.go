package grammar

import (
	"fmt"
	"strings"
)

// Slot is a place for a name or a value; it tells completion where to look.
type Slot string

// The slots. All but Num, Text and Any take names and strings.
const (
	Queue       Slot = "QUEUE"
	Consumer    Slot = "CONSUMER"
	Subconsumer Slot = "SUBCONSUMER"
	Node        Slot = "NODE"
	Batch       Slot = "BATCH"
	Table       Slot = "TABLE"
	Sequence    Slot = "SEQUENCE"
	Extension   Slot = "EXTENSION"
	Database    Slot = "DATABASE"
	Host        Slot = "HOST"
	Port        Slot = "PORT"
	User        Slot = "USER"
	Service     Slot = "SERVICE"
	File        Slot = "FILE"
	Topic       Slot = "TOPIC" // of help
	NewName     Slot = "NAME"  // of something that is not there yet
	Num         Slot = "NUM"
	Text        Slot = "TEXT" // any constant
	Any         Slot = "ANY"  // any word
)

var slots = map[Slot]bool{Queue: true, Consumer: true, Subconsumer: true, Node: true, Batch: true, Table: true,
	Sequence: true, Extension: true, Database: true, Host: true, Port: true, User: true, Service: true, File: true,
	Topic: true, NewName: true, Num: true, Text: true, Any: true}

// takes tells whether a token can fill the slot.
func (s Slot) takes(t Token) bool {
	switch s {
	case Num, Batch:
		return t.Kind == Number
	case Any:
		return true
	case Text, Subconsumer, Port, Topic:
		if t.Kind == Number {
			return true
		}
	}
	return t.Kind == Word || t.Kind == Quoted || t.Kind == String || t.Kind == Dollar
}

// The syntax of a statement is written like this:
//
//	word        a keyword, in lower case; also , = and *
//	SLOT        a place for a name or value
//	label:SLOT  the same, under another label than slot
//	word=SLOT   keyword, equals sign, value under the label word
//	[ a b ]     may be left out
//	( a | b )   one of them
//	{ a | b }   any of them, in any order, any number of times
//	<rule>      a rule of its own
type node struct {
	kind  nodeKind
	word  string // keyword or symbol
	slot  Slot
	label string
	kids  []*node
}

type nodeKind uint8

const (
	nWord nodeKind = iota
	nSlot
	nSeq
	nAlt
	nOptional
	nRepeat
)

type notation struct {
	words []string
	pos   int
	rules map[string]string
}

// parseSyntax reads the notation.
func parseSyntax(syntax string, rules map[string]string) (*node, error) {
	n := &notation{words: strings.Fields(syntax), rules: rules}
	tree, err := n.alternatives("")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", syntax, err)
	}
	return tree, nil
}

// alternatives reads up to the closing bracket.
func (n *notation) alternatives(closing string) (*node, error) {
	alt := &node{kind: nAlt}
	seq := &node{kind: nSeq}
	for {
		w := ""
		if n.pos < len(n.words) {
			w = n.words[n.pos]
		}
		n.pos++
		switch w {
		case closing:
			alt.kids = append(alt.kids, seq)
			if len(alt.kids) == 1 {
				return seq, nil
			}
			return alt, nil
		case "|":
			alt.kids = append(alt.kids, seq)
			seq = &node{kind: nSeq}
			continue
		case "":
			return nil, fmt.Errorf("%s is missing", closing)
		}
		kid, err := n.element(w)
		if err != nil {
			return nil, err
		}
		seq.kids = append(seq.kids, kid)
	}
}

func (n *notation) element(w string) (*node, error) {
	switch w {
	case "(":
		return n.alternatives(")")
	case "[":
		kid, err := n.alternatives("]")
		return &node{kind: nOptional, kids: []*node{kid}}, err
	case "{":
		kid, err := n.alternatives("}")
		return &node{kind: nRepeat, kids: []*node{kid}}, err
	case "=", ",", "*":
		return &node{kind: nWord, word: w}, nil
	}
	if name, ok := strings.CutPrefix(w, "<"); ok {
		rule, ok := n.rules[strings.TrimSuffix(name, ">")]
		if !ok {
			return nil, fmt.Errorf("no rule %s", w)
		}
		return parseSyntax(rule, n.rules)
	}
	if word, slot, ok := strings.Cut(w, "="); ok {
		kids := []*node{{kind: nWord, word: word}, {kind: nWord, word: "="}, slotNode(word, slot)}
		return &node{kind: nSeq, kids: kids}, checkSlot(slot)
	}
	if label, slot, ok := strings.Cut(w, ":"); ok {
		return slotNode(label, slot), checkSlot(slot)
	}
	if w == strings.ToLower(w) {
		return &node{kind: nWord, word: w}, nil
	}
	return slotNode(strings.ToLower(w), w), checkSlot(w)
}

func slotNode(label, slot string) *node {
	return &node{kind: nSlot, slot: Slot(slot), label: label}
}

func checkSlot(slot string) error {
	if !slots[Slot(slot)] {
		return fmt.Errorf("no slot %s", slot)
	}
	return nil
}
