package wire

import (
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
)

// fieldPath returns the elements of a path such as "queries[1].user_id".
func fieldPath(path string) *validate.FieldPath {
	var elements []*validate.FieldPathElement
	for part := range strings.SplitSeq(path, ".") {
		name, subscript, _ := strings.Cut(strings.TrimSuffix(part, "]"), "[")
		element := &validate.FieldPathElement{FieldName: proto.String(name)}
		if index, err := strconv.ParseUint(subscript, 10, 64); err == nil {
			element.Subscript = &validate.FieldPathElement_Index{Index: index}
		}
		elements = append(elements, element)
	}
	return &validate.FieldPath{Elements: elements}
}
