package console

import (
	"context"

	"skytools/cmd/qadmin/internal/grammar"
)

// check looks for one kind of damage. Its query gives a row for each finding:
// what is hurt, what is wrong, and the SQL that repairs it or NULL.
type check struct {
	name string
	file string
	ours bool // only our schema has what it looks at
}

// checks are in the order in which repairs must come: ticks before sequences,
// sequences before consumers that are registered anew.
var checks = []check{
	{"ticks ahead", "doctor_ticks", false},
	{"sequence behind", "doctor_sequences", false},
	{"rotation step missing", "doctor_rotation", false},
	{"consumer without tick", "doctor_consumers", false},
	{"trigger without queue", "doctor_triggers", false},
	{"missing grant", "doctor_grants", false},
	{"missing grant", "doctor_public", true},
	{"no ticks", "doctor_ticker", false},
}

// doctor shows the findings of all checks, and with fix what became of them.
func doctor(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	ours, err := s.pgq4(ctx)
	if err != nil {
		return err
	}
	fix := m.Has("fix")
	names := []string{"check", "object", "problem", "fix"}
	if fix {
		names[3] = "result"
	}
	var list []record
	done := map[string]string{} // results by repair: one may be for several findings
	for _, c := range checks {
		if c.ours && !ours {
			continue
		}
		rows, err := s.rows(ctx, file(c.file))
		if err != nil {
			return err
		}
		for _, r := range rows {
			last := r[2]
			if fix {
				last = []byte(s.repair(ctx, r[2], done))
			}
			list = append(list, record{[]byte(c.name), r[0], r[1], last})
		}
	}
	if len(list) == 0 {
		s.message("Nothing is wrong.")
	}
	if err := s.showRows("Findings:", names, list); err != nil {
		return err
	}
	return s.tag("DOCTOR")
}

// repair runs the SQL of a finding and says what came of it.
func (s *Session) repair(ctx context.Context, sql []byte, done map[string]string) string {
	if sql == nil {
		return "not by qadmin"
	}
	text := string(sql)
	if result, ok := done[text]; ok {
		return result
	}
	done[text] = "fixed"
	if _, err := s.rows(ctx, text); err != nil {
		done[text] = "failed: " + errorText(err)
	}
	return done[text]
}
