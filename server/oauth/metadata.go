package oauth

import (
	"context"
	"encoding/base64"

	"github.com/bastide-id/bastide/ent/usermetadata"
	"github.com/bastide-id/bastide/server/store"
)

// A user may have any number of values of up to half a megabyte each. The claim
// has the first ones in the order of their keys, and none of the longer ones.
const (
	maxMetadataEntries = 100
	maxMetadataValue   = 4 << 10
	// maxMetadata bounds the keys and values of an answer, maxSignedMetadata
	// those of a token, which has to fit into a header.
	maxMetadata       = 64 << 10
	maxSignedMetadata = 2 << 10
)

// addMetadata adds the metadata of the user, each value in the URL alphabet of
// base64 without padding (RFC 4648, 5).
func (r *claimReader) addMetadata(ctx context.Context, c claims, a about) error {
	rows, err := r.store.Read().UserMetadata.Query().
		Where(usermetadata.UserPk(a.userKey), store.NoLonger(usermetadata.FieldContent, min(a.metadata, maxMetadataValue))).
		Order(usermetadata.ByKey()).
		Limit(maxMetadataEntries).
		Select(usermetadata.FieldKey, usermetadata.FieldContent).
		All(ctx)
	if err != nil {
		return err
	}
	told, size := make(map[string]string, len(rows)), 0
	for _, row := range rows {
		value := base64.RawURLEncoding.EncodeToString(row.Content)
		if size += len(row.Key) + len(value); size > a.metadata {
			break
		}
		told[row.Key] = value
	}
	if len(told) > 0 {
		c[claimMetadata] = told
	}
	return nil
}
