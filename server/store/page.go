package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
)

// keyset begins a list behind a row: the values of its columns that the list
// is sorted by are its position. Unlike an offset it stays where it is when
// rows before it come or go.
type keyset struct {
	ascending bool
	// after is the position of the row; nil at the start of the list.
	after []any
	// columns are the columns and expressions that the list is sorted by.
	columns []string
	// err is why begin could not, which ent would turn into plain text.
	err error
}

// newKeyset returns where a page begins. It returns fault.PageOffset for an
// offset beside a position, and fault.PageToken for a position of another
// version of the server.
func newKeyset(paging *caller.Paging, page Page) (*keyset, error) {
	k := &keyset{ascending: page.Ascending}
	if paging == nil || paging.After == nil {
		return k, nil
	}
	if page.Offset != 0 {
		return nil, fault.PageOffset.Field("query.offset")
	}
	var err error
	if k.after, err = parsePosition(paging.After); err != nil {
		return nil, fault.PageToken.With().Because(err)
	}
	return k, nil
}

// sortedBy returns a term of the order that also tells the keyset what it sorts
// by. A term of ent cannot be asked, so the statement is read before and after.
func (k *keyset) sortedBy(term func(*sql.Selector)) func(*sql.Selector) {
	return func(s *sql.Selector) {
		before, _ := orderOf(s)
		term(s)
		order, args := orderOf(s)
		column := sortedColumn.FindStringSubmatch(strings.TrimPrefix(strings.TrimPrefix(order, before), ", "))
		if column == nil || (column[2] == "") != k.ascending || len(args) > 0 {
			k.fail(s, fmt.Errorf("store: a list cannot be read in pages when it is sorted by %s", order))
			return
		}
		k.columns = append(k.columns, column[1])
	}
}

// sortedColumn is a column, or an expression, in an ORDER BY as ent writes it.
// None that a list is sorted by yields NULL, so where they would go does not
// matter.
var sortedColumn = regexp.MustCompile(`^(.+?)( DESC)?(?: NULLS (?:FIRST|LAST))?$`)

// orderOf returns what a query is sorted by.
func orderOf(s *sql.Selector) (order string, args []any) {
	const keyword = " ORDER BY "
	statement, args := s.Clone().Query()
	if at := strings.LastIndex(statement, keyword); at >= 0 {
		order = statement[at+len(keyword):]
	}
	return order, args
}

// begin is the last term of the order: it selects what the others sort by, and
// leaves out what is not behind the row.
func (k *keyset) begin(s *sql.Selector) {
	for i, column := range k.columns {
		s.AppendSelectExprAs(sql.Raw(column), positionColumn(i))
	}
	switch {
	case k.after == nil:
		return
	case len(k.after) != len(k.columns):
		k.fail(s, fault.PageToken.With())
		return
	}
	operator := ") < ("
	if k.ascending {
		operator = ") > ("
	}
	s.Where(sql.P(func(b *sql.Builder) {
		b.WriteString("(" + strings.Join(k.columns, ", ") + operator).Args(k.after...).WriteString(")")
	}))
}

// fail ends the query with an error; the first one stands.
func (k *keyset) fail(s *sql.Selector, err error) {
	if k.err == nil {
		k.err = err
	}
	s.AddError(err)
}

func positionColumn(i int) string { return "position_" + strconv.Itoa(i) }

// position returns where a row that begin selected lies.
func (k *keyset) position(r row) ([]byte, error) {
	values := make([]any, len(k.columns))
	for i := range values {
		var err error
		if values[i], err = r.Value(positionColumn(i)); err != nil {
			return nil, err
		}
	}
	return formatPosition(values)
}

// positionValue is a value of a column; one of its fields is set.
type positionValue struct {
	Integer *int64  `json:"i,omitempty"`
	Text    *string `json:"t,omitempty"`
	Bytes   *[]byte `json:"b,omitempty"`
	Flag    *bool   `json:"f,omitempty"`
	// Micros is a time, which both databases keep in microseconds.
	Micros *int64 `json:"m,omitempty"`
}

func formatPosition(values []any) ([]byte, error) {
	position := make([]positionValue, len(values))
	for i, value := range values {
		switch v := value.(type) {
		case int64:
			position[i].Integer = &v
		case string:
			position[i].Text = &v
		case []byte:
			if v == nil { // SQLite's driver returns it for an empty one
				v = []byte{}
			}
			position[i].Bytes = &v
		case bool:
			position[i].Flag = &v
		case time.Time:
			micros := v.UnixMicro()
			position[i].Micros = &micros
		default:
			return nil, fmt.Errorf("store: a list is sorted by a column that holds %T", value)
		}
	}
	return json.Marshal(position)
}

// parsePosition reads what formatPosition wrote.
func parsePosition(data []byte) ([]any, error) {
	var position []positionValue
	if err := json.Unmarshal(data, &position); err != nil {
		return nil, err
	}
	values := make([]any, len(position))
	for i, v := range position {
		switch {
		case v.Integer != nil:
			values[i] = *v.Integer
		case v.Text != nil:
			values[i] = *v.Text
		case v.Bytes != nil:
			values[i] = *v.Bytes
		case v.Flag != nil:
			values[i] = *v.Flag
		case v.Micros != nil:
			values[i] = time.UnixMicro(*v.Micros).UTC()
		default:
			return nil, errors.New("a value of the position is missing")
		}
	}
	return values, nil
}
