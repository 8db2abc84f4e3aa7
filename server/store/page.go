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
	// columns is how many columns the list is sorted by.
	columns int
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

// begin is the last term of the order: it selects what the others sort by, and
// leaves out what is not behind the row.
func (k *keyset) begin(s *sql.Selector) {
	columns, err := sortedBy(s, k.ascending)
	if err == nil && k.after != nil && len(k.after) != len(columns) {
		err = fault.PageToken.With()
	}
	if err != nil {
		k.err = err
		s.AddError(err)
		return
	}
	k.columns = len(columns)
	for i, column := range columns {
		s.AppendSelectAs(column, positionColumn(i))
	}
	if k.after == nil {
		return
	}
	operator := ") < ("
	if k.ascending {
		operator = ") > ("
	}
	s.Where(sql.P(func(b *sql.Builder) {
		b.WriteString("(" + strings.Join(columns, ", ") + operator).Args(k.after...).WriteString(")")
	}))
}

// sortedColumn is a column in an ORDER BY as ent writes it. No column that a
// list is sorted by holds NULL, so where they would go does not matter.
var sortedColumn = regexp.MustCompile("^([`\"]\\w+[`\"]\\.[`\"]\\w+[`\"])( DESC)?(?: NULLS (?:FIRST|LAST))?$")

// sortedBy returns the columns that a query is sorted by. What ent was given as
// a term cannot be asked, so the statement is read. It returns an error, which
// is a mistake in the program, for other than plain columns in one direction.
func sortedBy(s *sql.Selector, ascending bool) (columns []string, err error) {
	statement, _ := s.Clone().Query()
	const keyword = " ORDER BY "
	order := statement[strings.LastIndex(statement, keyword)+len(keyword):]
	for _, term := range strings.Split(order, ", ") {
		found := sortedColumn.FindStringSubmatch(term)
		if found == nil || (found[2] == "") != ascending {
			return nil, fmt.Errorf("store: a list cannot be read in pages when it is sorted by %s", term)
		}
		columns = append(columns, found[1])
	}
	return columns, nil
}

func positionColumn(i int) string { return "position_" + strconv.Itoa(i) }

// position returns where a row that begin selected lies.
func (k *keyset) position(r row) ([]byte, error) {
	values := make([]any, k.columns)
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
