package cascade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Step is one act of a plan. What it has in the database is written so that
// the step may be cut off anywhere and run again.
type Step struct {
	Node string // where it acts, "" if it is not at one node
	// Text says what is done, and why where that is not plain: lower case,
	// no period, the imperative.
	Text string
	// Done tells whether the effect is there already: then Do is not called,
	// and Undo only with Adopt. It is asked again after Do failed, since an
	// answer may be lost after the commit. It may be nil.
	Done func(ctx context.Context) (bool, error)
	Do   func(ctx context.Context) error
	// Undo takes the step back after it was done, or after Do failed, which may
	// have left a part of it. It may be nil.
	Undo func(ctx context.Context) error
	// Said tells what Do has found, for the observer. It may be nil.
	Said func() string
	// Adopt means that what is there already can only come from a run that was
	// killed, so that it is undone as if this one had done it.
	Adopt bool
	// Keep means that what was done up to here stays when a later step fails: it
	// is a change that is complete in itself.
	Keep bool
	// Final ends the time in which the plan can be taken back: when it is done,
	// or when nobody knows whether it is, only forward is safe.
	Final bool
}

func (s *Step) String() string {
	if s.Node == "" {
		return s.Text
	}
	return s.Node + ": " + s.Text
}

// Plan is a change of a set as a list of steps.
type Plan struct {
	Title string
	// Notes is what the operator should know beforehand: what will not be
	// reached, and what to do about it later.
	Notes []string
	Steps []Step
	// Open is called before the first step, and may refuse. It may be nil.
	Open func(ctx context.Context) error
	// Close gives back what the steps hold; Run calls it at its end, whoever
	// only prints the plan calls it himself. It may be nil.
	Close func()
	// UndoTimeout bounds each undo; 0 is DefaultUndoTimeout.
	UndoTimeout time.Duration
}

// DefaultUndoTimeout is how long one undo may take: a node that does not answer
// must not keep the others from being undone.
const DefaultUndoTimeout = 30 * time.Second

// Print writes the plan as a dry run shows it.
func (p *Plan) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.Title)
	width := 0
	for _, s := range p.Steps {
		width = max(width, len(s.Node))
	}
	if len(p.Steps) == 0 {
		b.WriteString("  nothing to do\n")
	}
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%3d. %-*s  %s\n", i+1, width, s.Node, s.Text)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "  note: %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Outcome is what an observer is told of a step.
type Outcome string

// The outcomes of a step.
const (
	StepStarted    Outcome = "started"
	StepDone       Outcome = "done"
	StepAlready    Outcome = "already done" // by an earlier run
	StepFailed     Outcome = "failed"
	StepWarned     Outcome = "not done" // the rest goes on; Err tells what is left to do
	StepUndone     Outcome = "undone"
	StepUndoFailed Outcome = "not undone"
)

// Progress is one message of a running plan.
type Progress struct {
	Number   int // of the step, from 1
	Of       int
	Step     *Step
	Outcome  Outcome
	Duration time.Duration // of what ended; 0 with StepStarted
	Said     string        // of StepDone: what was found
	Err      error         // of StepFailed, StepWarned and StepUndoFailed
}

// PlanError is the failure of a step with what became of the others.
type PlanError struct {
	Step   *Step
	Err    error
	Undone int // steps that were taken back, a part of the failed one included
	// Left are steps that were done and stay, because a final step was done or
	// may have been, or because they have no undo.
	Left []*Step
	// NotUndone are steps whose undo failed, with the reason.
	NotUndone []error
	// Forward means that there is no way back: the same command finishes what
	// was begun.
	Forward bool
}

func (e *PlanError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v", e.Step, e.Err)
	for _, err := range e.NotUndone {
		fmt.Fprintf(&b, "; could not undo: %v", err)
	}
	return b.String()
}

// Unwrap returns the failure of the step.
func (e *PlanError) Unwrap() error { return e.Err }

// Hint tells in what state things are and what to run next.
func (e *PlanError) Hint() string {
	const again = "run the same command again"
	switch {
	case e.Forward:
		return fmt.Sprintf("The change cannot be taken back any more: %s to finish it, as soon as the cause is removed.", again)
	case len(e.NotUndone) > 0:
		return fmt.Sprintf("Not all that was done could be undone: %s, as soon as the cause is removed, and it goes on from there.", again)
	case len(e.Left) > 0:
		return fmt.Sprintf("Part of what was done before is harmless and stays: %s, as soon as the cause is removed, and it goes on from there.", again)
	case e.Undone > 0:
		return fmt.Sprintf("All that was done before was undone: %s as soon as the cause is removed.", again)
	}
	return fmt.Sprintf("Nothing was changed: %s as soon as the cause is removed.", again)
}

// Run does the steps in order and tells observe, which may be nil, about each.
// When one fails, or ctx ends, those that were done are undone in reverse
// order, unless a final one is among them. The error is a *PlanError.
func (p *Plan) Run(ctx context.Context, observe func(Progress)) error {
	if p.Close != nil {
		defer p.Close()
	}
	if p.Open != nil {
		if err := p.Open(ctx); err != nil {
			return err
		}
	}
	var done []int // the steps to undo, in order
	forward := false
	kept := 0 // how many steps at the beginning of done stay
	for i := range p.Steps {
		s := &p.Steps[i]
		r := &reporter{observe, Progress{Number: i + 1, Of: len(p.Steps), Step: s}, time.Now()}
		r.tell(StepStarted, nil)
		did, err := s.run(ctx)
		var w *warning
		switch {
		case errors.As(err, &w) && ctx.Err() == nil:
			r.tell(StepWarned, w.error)
			done = append(done, i) // a part may have happened
		case err == nil && !did:
			r.tell(StepAlready, nil)
			if s.Adopt {
				done = append(done, i)
			}
		case err == nil:
			r.tell(StepDone, nil)
			done = append(done, i)
		default:
			r.tell(StepFailed, err)
			// Whether a final step has had its effect is known if Done said so
			// just now, and s.run has taken that for success.
			if forward = forward || s.Final && did; !forward && did {
				done = append(done, i)
			}
			return p.undo(ctx, done, kept, forward, &PlanError{Step: s, Err: err}, observe)
		}
		forward = forward || s.Final
		if s.Keep {
			kept = len(done)
		}
	}
	return nil
}

// run does the step. did tells whether something may have changed.
func (s *Step) run(ctx context.Context) (did bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, context.Cause(ctx)
	}
	if s.Done != nil {
		there, err := s.Done(ctx)
		if there || err != nil {
			return false, err
		}
	}
	if err = s.Do(ctx); err == nil {
		return true, nil
	}
	var refused *refusal
	var w *warning
	if errors.As(err, &refused) || errors.As(err, &w) && ctx.Err() == nil {
		return false, err
	}
	if s.Done != nil {
		look, cancel := detach(ctx, DefaultTimeout)
		defer cancel()
		there, lerr := s.Done(look)
		switch {
		case lerr != nil:
			return true, fmt.Errorf("%w (and whether it has happened is unknown: %v)", err, lerr)
		case there:
			return true, nil
		case s.Final:
			return false, err // it is known that it has not happened
		}
	}
	return true, err
}

// refusal is an error of a step that has changed nothing.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// refuse marks an error of Do as one that came before any change.
func refuse(format string, args ...any) error { return &refusal{fmt.Errorf(format, args...)} }

// warning is an error of a step that the change does not need.
type warning struct{ error }

func (w *warning) Unwrap() error { return w.error }

// warn marks an error of Do as one that stops nothing.
func warn(err error) error {
	if err == nil {
		return nil
	}
	return &warning{err}
}

// detach returns a context for what has to be done although ctx has ended.
func detach(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.WithoutCancel(ctx), limit, fmt.Errorf("not finished within %s", limit))
}

// undo takes back what was done and completes e.
func (p *Plan) undo(ctx context.Context, done []int, kept int, forward bool, e *PlanError, observe func(Progress)) error {
	e.Forward = forward
	for j := len(done) - 1; j >= 0; j-- {
		s := &p.Steps[done[j]]
		if forward || j < kept || s.Undo == nil {
			if s != e.Step {
				e.Left = append(e.Left, s)
			}
			continue
		}
		r := &reporter{observe, Progress{Number: done[j] + 1, Of: len(p.Steps), Step: s}, time.Now()}
		limit := p.UndoTimeout
		if limit == 0 {
			limit = DefaultUndoTimeout
		}
		clean, cancel := detach(ctx, limit)
		err := s.Undo(clean)
		if err != nil && clean.Err() != nil {
			err = context.Cause(clean)
		}
		cancel()
		if err != nil {
			e.NotUndone = append(e.NotUndone, fmt.Errorf("%s: %w", s, err))
			r.tell(StepUndoFailed, err)
			continue
		}
		e.Undone++
		r.tell(StepUndone, nil)
	}
	return e
}

// reporter tells an observer about one step.
type reporter struct {
	observe func(Progress)
	p       Progress
	since   time.Time
}

func (r *reporter) tell(o Outcome, err error) {
	if r.observe == nil {
		return
	}
	p := r.p
	p.Outcome, p.Err = o, err
	if o == StepDone && p.Step.Said != nil {
		p.Said = p.Step.Said()
	}
	if o != StepStarted {
		p.Duration = time.Since(r.since)
	}
	r.observe(p)
}
