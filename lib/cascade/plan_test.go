package cascade

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// world is what the steps of a test change.
type world struct {
	there map[string]bool
	fail  map[string]error // of "do x", "undo x" and "done x"
	lost  string           // a step whose Do fails after its effect
	calls []string
}

func (w *world) call(what string) error {
	w.calls = append(w.calls, what)
	return w.fail[what]
}

func (w *world) step(name string) Step {
	return Step{
		Node: "n", Text: name,
		Done: func(context.Context) (bool, error) { return w.there[name], w.fail["done "+name] },
		Do: func(context.Context) error {
			if err := w.call("do " + name); err != nil {
				return err
			}
			w.there[name] = true
			if w.lost == name {
				return errors.New("connection lost")
			}
			return nil
		},
		Undo: func(context.Context) error {
			if err := w.call("undo " + name); err != nil {
				return err
			}
			delete(w.there, name)
			return nil
		},
	}
}

func TestPlanRun(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name  string
		setup func(*world, *Plan)
		calls string
		err   string // text and hint
		seen  string // outcomes
	}{
		{
			name:  "all goes well",
			calls: "do a, do b, do c",
			seen:  "1 started, 1 done, 2 started, 2 done, 3 started, 3 done",
		},
		{
			name:  "what is there is not done again",
			setup: func(w *world, _ *Plan) { w.there["a"] = true },
			calls: "do b, do c",
			seen:  "1 started, 1 already done, 2 started, 2 done, 3 started, 3 done",
		},
		{
			name:  "a failure undoes in reverse, the failed step too",
			setup: func(w *world, _ *Plan) { w.fail["do c"] = broken },
			calls: "do a, do b, do c, undo c, undo b, undo a",
			err:   "n: c: broken | All that was done before was undone: run the same command again as soon as the cause is removed.",
			seen:  "1 started, 1 done, 2 started, 2 done, 3 started, 3 failed, 3 undone, 2 undone, 1 undone",
		},
		{
			name: "a refusal has nothing to undo",
			setup: func(w *world, _ *Plan) {
				w.fail["do a"] = refuse("not %s", "ready")
			},
			calls: "do a",
			err:   "n: a: not ready | Nothing was changed: run the same command again as soon as the cause is removed.",
			seen:  "1 started, 1 failed",
		},
		{
			name: "what an earlier run left is kept",
			setup: func(w *world, _ *Plan) {
				w.there["a"], w.fail["do b"] = true, broken
			},
			calls: "do b, undo b",
			err:   "n: b: broken | All that was done before was undone: run the same command again as soon as the cause is removed.",
			seen:  "1 started, 1 already done, 2 started, 2 failed, 2 undone",
		},
		{
			name: "what a killed run left is undone",
			setup: func(w *world, p *Plan) {
				w.there["a"], w.fail["do b"], p.Steps[0].Adopt = true, broken, true
			},
			calls: "do b, undo b, undo a",
			err:   "n: b: broken | All that was done before was undone: run the same command again as soon as the cause is removed.",
			seen:  "1 started, 1 already done, 2 started, 2 failed, 2 undone, 1 undone",
		},
		{
			name: "one undo that fails does not stop the others",
			setup: func(w *world, _ *Plan) {
				w.fail["do c"], w.fail["undo b"] = broken, errors.New("gone")
			},
			calls: "do a, do b, do c, undo c, undo b, undo a",
			err:   "n: c: broken; could not undo: n: b: gone | Not all that was done could be undone: run the same command again, as soon as the cause is removed, and it goes on from there.",
			seen:  "1 started, 1 done, 2 started, 2 done, 3 started, 3 failed, 3 undone, 2 not undone, 1 undone",
		},
		{
			name: "what has no undo stays",
			setup: func(w *world, p *Plan) {
				w.fail["do b"], p.Steps[0].Undo = broken, nil
			},
			calls: "do a, do b, undo b",
			err:   "n: b: broken | Part of what was done before is harmless and stays: run the same command again, as soon as the cause is removed, and it goes on from there.",
			seen:  "1 started, 1 done, 2 started, 2 failed, 2 undone",
		},
		{
			name: "a change that is complete in itself stays",
			setup: func(w *world, p *Plan) {
				w.fail["do c"], p.Steps[0].Keep = broken, true
			},
			calls: "do a, do b, do c, undo c, undo b",
			err:   "n: c: broken | Part of what was done before is harmless and stays: run the same command again, as soon as the cause is removed, and it goes on from there.",
			seen:  "1 started, 1 done, 2 started, 2 done, 3 started, 3 failed, 3 undone, 2 undone",
		},
		{
			name:  "a warning stops nothing",
			setup: func(w *world, _ *Plan) { w.fail["do b"] = warn(broken) },
			calls: "do a, do b, do c",
			seen:  "1 started, 1 done, 2 started, 2 not done, 3 started, 3 done",
		},
		{
			name: "an answer that was lost counts as done",
			setup: func(w *world, _ *Plan) {
				w.lost = "b"
			},
			calls: "do a, do b, do c",
			seen:  "1 started, 1 done, 2 started, 2 done, 3 started, 3 done",
		},
		{
			name: "after the final step only forward",
			setup: func(w *world, p *Plan) {
				p.Steps[1].Final, w.fail["do c"] = true, broken
			},
			calls: "do a, do b, do c",
			err:   "n: c: broken | The change cannot be taken back any more: run the same command again to finish it, as soon as the cause is removed.",
			seen:  "1 started, 1 done, 2 started, 2 done, 3 started, 3 failed",
		},
		{
			name: "after a final step of an earlier run only forward",
			setup: func(w *world, p *Plan) {
				p.Steps[1].Final, w.there["b"], w.fail["do c"] = true, true, broken
			},
			calls: "do a, do c",
			err:   "n: c: broken | The change cannot be taken back any more: run the same command again to finish it, as soon as the cause is removed.",
			seen:  "1 started, 1 done, 2 started, 2 already done, 3 started, 3 failed",
		},
		{
			name: "a final step that did not happen leaves the way back",
			setup: func(w *world, p *Plan) {
				p.Steps[1].Final, w.fail["do b"] = true, broken
			},
			calls: "do a, do b, undo a",
			err:   "n: b: broken | All that was done before was undone: run the same command again as soon as the cause is removed.",
			seen:  "1 started, 1 done, 2 started, 2 failed, 1 undone",
		},
		{
			name: "a final step that may have happened does not",
			setup: func(w *world, p *Plan) {
				p.Steps[1].Final, w.lost = true, "b"
				do := p.Steps[1].Do
				p.Steps[1].Do = func(ctx context.Context) error {
					w.fail["done b"] = errors.New("no answer")
					return do(ctx)
				}
			},
			calls: "do a, do b",
			err:   "n: b: connection lost (and whether it has happened is unknown: no answer) | The change cannot be taken back any more: run the same command again to finish it, as soon as the cause is removed.",
			seen:  "1 started, 1 done, 2 started, 2 failed",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &world{there: map[string]bool{}, fail: map[string]error{}}
			closed := 0
			p := &Plan{Title: "t", Steps: []Step{w.step("a"), w.step("b"), w.step("c")}, Close: func() { closed++ }}
			if tt.setup != nil {
				tt.setup(w, p)
			}
			var seen []string
			err := p.Run(t.Context(), func(p Progress) { seen = append(seen, fmt.Sprint(p.Number, " ", p.Outcome)) })
			var got string
			if err != nil {
				var pe *PlanError
				if !errors.As(err, &pe) {
					t.Fatalf("error is a %T", err)
				}
				got = pe.Error() + " | " + pe.Hint()
			}
			if d := cmp.Diff([]string{tt.calls, tt.err, tt.seen}, []string{strings.Join(w.calls, ", "), got, strings.Join(seen, ", ")}); d != "" {
				t.Error(d)
			}
			if closed != 1 {
				t.Errorf("closed %d times", closed)
			}
		})
	}
}

// A plan that is interrupted undoes under a context of its own, and an undo
// that hangs is given up.
func TestPlanInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		var undone []string
		hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		p := &Plan{UndoTimeout: time.Minute, Steps: []Step{
			{Text: "a", Do: func(context.Context) error { return nil }, Undo: func(ctx context.Context) error { undone = append(undone, "a"); return ctx.Err() }},
			{Text: "b", Do: func(context.Context) error { return nil }, Undo: hang},
			{Text: "c", Do: func(ctx context.Context) error {
				cancel(errors.New("got interrupt"))
				<-ctx.Done()
				return context.Cause(ctx)
			}},
			{Text: "d", Do: func(context.Context) error { undone = append(undone, "did d"); return nil }},
		}}
		begin := time.Now()
		err := p.Run(ctx, nil)
		const want = "c: got interrupt; could not undo: b: not finished within 1m0s"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if d := cmp.Diff([]string{"a"}, undone); d != "" {
			t.Error(d)
		}
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("took %s", took)
		}
	})
}

func TestPlanPrint(t *testing.T) {
	t.Parallel()
	p := &Plan{Title: "make b the root", Notes: []string{"c is away"}, Steps: []Step{
		{Node: "a", Text: "disable writes"}, {Node: "long", Text: "promote"}, {Text: "wait"},
	}}
	var b strings.Builder
	if err := p.Print(&b); err != nil {
		t.Fatal(err)
	}
	const want = `make b the root
  1. a     disable writes
  2. long  promote
  3.       wait
  note: c is away
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}
