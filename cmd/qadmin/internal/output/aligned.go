package output

import (
	"bufio"
	"io"
	"strings"
)

// aligned writes columns under each other. Without borders it is the form that
// scripts know: title, header, dashes, a line for each row, a column as wide
// as its longest value but at least 10, two blanks between; an empty line ends
// it. The widths come from the first rows; later ones may be wider.
type aligned struct {
	w     *bufio.Writer
	o     Options
	title string
	cols  []Column
	lines ruling

	first [][]string // rows that wait until the widths are known
	width []int
	begun bool
	rows  int
}

// ruling is what lines are drawn with.
type ruling struct {
	dash                      string
	left, mid, right          string // between cells
	rleft, rmid, rright       string // in the line under the header
	topLeft, topMid, topRight string // of a box
	lowLeft, lowMid, lowRight string
	box                       bool
}

func rulingOf(o Options) ruling {
	r := ruling{dash: "-", mid: "  ", rmid: "  "}
	if o.Border > 0 {
		r.mid, r.rmid = " | ", "-+-"
	}
	if o.Border > 1 {
		r.box = true
		r.left, r.right, r.rleft, r.rright = "| ", " |", "+-", "-+"
		r.topLeft, r.topMid, r.topRight = "+-", "-+-", "-+"
		r.lowLeft, r.lowMid, r.lowRight = "+-", "-+-", "-+"
	}
	if o.Unicode {
		to := strings.NewReplacer("|", "│", "-", "─", "+", "┼")
		r.dash, r.mid, r.left, r.right, r.rmid = "─", to.Replace(r.mid), to.Replace(r.left), to.Replace(r.right), to.Replace(r.rmid)
		if r.box {
			r.rleft, r.rright = "├─", "─┤"
			r.topLeft, r.topMid, r.topRight = "┌─", "─┬─", "─┐"
			r.lowLeft, r.lowMid, r.lowRight = "└─", "─┴─", "─┘"
		}
	}
	return r
}

func newAligned(w io.Writer, o Options, title string, cols []Column) *aligned {
	a := &aligned{w: bufio.NewWriter(w), o: o, title: title, cols: cols, lines: rulingOf(o), width: make([]int, len(cols))}
	for i, c := range cols {
		a.widen(i, Clean(c.Name))
	}
	return a
}

const minWidth = 10

func (a *aligned) widen(i int, text string) {
	least := minWidth
	if a.o.Border > 0 {
		least = 0
	}
	for line := range strings.SplitSeq(text, "\n") {
		a.width[i] = max(a.width[i], Width(line), least)
	}
}

func (a *aligned) Row(values [][]byte) error {
	a.rows++
	row := make([]string, len(values))
	for i, v := range values {
		row[i] = a.o.Null
		if v != nil {
			row[i] = Clean(string(v))
		}
	}
	if a.begun {
		return a.cells(row, a.o.warned(row))
	}
	for i, text := range row {
		a.widen(i, text)
	}
	a.first = append(a.first, row)
	if len(a.first) < a.o.FetchCount {
		return nil
	}
	return a.begin()
}

// begin writes what has been waiting. Only here it is known whether the rows
// are too wide for the screen.
func (a *aligned) begin() error {
	a.begun = true
	if !a.o.TuplesOnly {
		if a.title != "" {
			a.w.WriteString(Clean(a.title) + "\n")
		}
		if a.lines.box {
			a.rule(a.lines.topLeft, a.lines.topMid, a.lines.topRight)
		}
		names := make([]string, len(a.cols))
		for i, c := range a.cols {
			names[i] = Clean(c.Name)
		}
		if err := a.cells(names, nil); err != nil {
			return err
		}
		a.rule(a.lines.rleft, a.lines.rmid, a.lines.rright)
	}
	for _, row := range a.first {
		if err := a.cells(row, a.o.warned(row)); err != nil {
			return err
		}
	}
	a.first = nil
	return a.w.Flush()
}

func (a *aligned) rule(left, mid, right string) {
	parts := make([]string, len(a.width))
	for i, n := range a.width {
		parts[i] = strings.Repeat(a.lines.dash, n)
	}
	a.w.WriteString(left + strings.Join(parts, mid) + right + "\n")
}

// cells writes a row. A cell that goes on in the next line has a + behind it.
// What stands in a cell that is warned of is coloured.
func (a *aligned) cells(row []string, warned []bool) error {
	parts := make([][]string, len(row))
	height := 1
	for i, text := range row {
		parts[i] = strings.Split(text, "\n")
		height = max(height, len(parts[i]))
	}
	var b strings.Builder
	for line := range height {
		b.Reset()
		b.WriteString(a.lines.left)
		for i := range parts {
			text, more := "", ""
			if line < len(parts[i]) {
				text = parts[i][line]
			}
			if line < len(parts[i])-1 {
				more = "+"
			}
			last := i == len(parts)-1
			b.WriteString(colored(text, warned, i))
			if !last || a.lines.box || more != "" {
				b.WriteString(strings.Repeat(" ", max(0, a.width[i]-Width(text))))
			}
			sep := a.lines.mid
			if last {
				sep = a.lines.right
			}
			if more != "" {
				sep = more + strings.TrimPrefix(sep, " ")
			}
			b.WriteString(sep)
		}
		b.WriteByte('\n')
		if _, err := a.w.WriteString(b.String()); err != nil {
			return err
		}
	}
	return nil
}

func (a *aligned) Close() error {
	if !a.begun {
		if a.o.Expanded == "auto" && a.o.Width > 0 && a.total() > a.o.Width {
			return a.turn()
		}
		if err := a.begin(); err != nil {
			return err
		}
	}
	if a.lines.box {
		a.rule(a.lines.lowLeft, a.lines.lowMid, a.lines.lowRight)
	}
	if !a.o.TuplesOnly {
		if !a.o.NoFooter {
			a.w.WriteString(footer(a.rows))
		}
		a.w.WriteByte('\n')
	}
	return a.w.Flush()
}

func (a *aligned) total() int {
	n := 0
	for _, w := range a.width {
		n += w + Width(a.lines.mid)
	}
	return n
}

// turn writes the rows in the expanded form.
func (a *aligned) turn() error {
	e := newExpanded(a.w, a.o, a.title, a.cols)
	for _, row := range a.first {
		if err := e.record(row); err != nil {
			return err
		}
	}
	return e.Close()
}

// expanded writes a line for each value.
type expanded struct {
	w     *bufio.Writer
	o     Options
	names []string
	width int
	rows  int
}

func newExpanded(w io.Writer, o Options, title string, cols []Column) *expanded {
	e := &expanded{w: bufio.NewWriter(w), o: o}
	for _, c := range cols {
		e.names = append(e.names, Clean(c.Name))
		e.width = max(e.width, Width(Clean(c.Name)))
	}
	if title != "" && !o.TuplesOnly {
		e.w.WriteString(Clean(title) + "\n")
	}
	return e
}

func (e *expanded) Row(values [][]byte) error {
	row := make([]string, len(values))
	for i, v := range values {
		row[i] = e.o.Null
		if v != nil {
			row[i] = Clean(string(v))
		}
	}
	return e.record(row)
}

func (e *expanded) record(row []string) error {
	e.rows++
	if !e.o.TuplesOnly {
		head := "-[ RECORD " + itoa(e.rows) + " ]"
		e.w.WriteString(head + strings.Repeat("-", max(0, e.width+12-len(head))) + "\n")
	} else if e.rows > 1 {
		e.w.WriteByte('\n')
	}
	warned := e.o.warned(row)
	for i, text := range row {
		name := e.names[i]
		for line := range strings.SplitSeq(text, "\n") {
			e.w.WriteString(strings.TrimRight(name+strings.Repeat(" ", e.width-Width(name))+" | "+colored(line, warned, i), " ") + "\n")
			name = ""
		}
	}
	return e.w.Flush()
}

func (e *expanded) Close() error {
	if !e.o.TuplesOnly {
		if e.rows == 0 && !e.o.NoFooter {
			e.w.WriteString(footer(0))
		}
		e.w.WriteByte('\n')
	}
	return e.w.Flush()
}
