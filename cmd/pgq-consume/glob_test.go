package main

import (
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestGlob(t *testing.T) {
	t.Parallel()
	tests := []struct {
		glob string
		yes  []string
		no   []string
	}{
		{"order", []string{"order"}, []string{"", "orders", "Order", "border"}},
		{"", []string{""}, []string{"x"}},
		{"*", []string{"", "a/b", "a\nb"}, nil},
		{"order.*", []string{"order.", "order.new"}, []string{"order", "orderXnew"}},
		{"?:id", []string{"I:id", "ü:id"}, []string{":id", "II:id"}},
		{"[IU]:*", []string{"I:id", "U:a,b"}, []string{"D:id"}},
		{"[!IU]:*", []string{"D:id"}, []string{"I:id"}},
		{"[a-c]x", []string{"ax", "bx"}, []string{"dx", "-x"}},
		{"[]a]", []string{"]", "a"}, []string{"b"}},
		{"[a^]", []string{"a", "^"}, []string{"b"}},
		{"[a-]", []string{"a", "-"}, []string{"b"}},
		{`\*`, []string{"*"}, []string{"a"}},
		{`a+(b).{2}|$`, []string{`a+(b).{2}|$`}, []string{"aab"}},
		{`*"op":"INSERT"*`, []string{`{"op":"INSERT","table":["public","t"]}`}, []string{`{"op":"UPDATE"}`}},
	}
	for _, tt := range tests {
		f, err := newTypeFilter([]string{tt.glob})
		if err != nil {
			t.Errorf("%q: %v", tt.glob, err)
			continue
		}
		for range 2 { // the second time from memory
			for _, s := range tt.yes {
				if !f.match([]byte(s)) {
					t.Errorf("%q does not match %q", tt.glob, s)
				}
			}
			for _, s := range tt.no {
				if f.match([]byte(s)) {
					t.Errorf("%q matches %q", tt.glob, s)
				}
			}
		}
	}
}

func TestGlobSeveral(t *testing.T) {
	t.Parallel()
	f, err := newTypeFilter([]string{"a", "b*"})
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]bool{"a": true, "bb": true, "c": false} {
		if got := f.match([]byte(s)); got != want {
			t.Errorf("match(%q) = %v, want %v", s, got, want)
		}
	}
}

func TestGlobErrors(t *testing.T) {
	t.Parallel()
	for _, g := range []string{"[a", "[", "[!", `a\`, "[b-a]"} {
		if _, err := newTypeFilter([]string{g}); err == nil {
			t.Errorf("%q is accepted", g)
		}
	}
}

// FuzzGlob compares with path.Match where the two mean the same: without a
// slash, and without the forms of sets that differ.
func FuzzGlob(f *testing.F) {
	for _, s := range []string{"*a?b", `\*x`, "[^a]"} {
		f.Add(s, "axb")
	}
	f.Fuzz(func(t *testing.T, glob, text string) {
		if !utf8.ValidString(glob) || !utf8.ValidString(text) || strings.Contains(glob+text, "/") ||
			strings.Contains(glob, "[!") || strings.ContainsAny(glob, "-") {
			t.Skip()
		}
		want, werr := path.Match(glob, text)
		re, err := compileGlob(glob)
		if werr != nil || err != nil {
			return // path.Match does not look at the whole pattern
		}
		if got := re.MatchString(text); got != want {
			t.Errorf("%q on %q: %v, path.Match says %v", glob, text, got, want)
		}
	})
}
