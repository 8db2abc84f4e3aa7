package message

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bastide-id/bastide/ent"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/store"
)

// Details returns what is to be said of an object that was read.
func Details(sequence int64, createdAt, changedAt time.Time, owner string) *zitadelv1.ObjectDetails {
	return &zitadelv1.ObjectDetails{
		Sequence:      uint64(sequence),
		CreationDate:  timestamppb.New(createdAt),
		ChangeDate:    timestamppb.New(changedAt),
		ResourceOwner: owner,
	}
}

// Created returns what is to be said of an object that the change made.
func Created(c store.Change) *zitadelv1.ObjectDetails {
	return Details(c.Sequence, c.At, c.At, c.OwnerID)
}

// Changed returns what is to be said of an object, created at a time, after a
// change.
func Changed(c store.Change, createdAt time.Time) *zitadelv1.ObjectDetails {
	return Details(c.Sequence, createdAt, c.At, c.OwnerID)
}

// ChangedUser is Changed for a user as it was before the change. It returns err
// if there is one.
func ChangedUser(u *ent.User, c store.Change, err error) (*zitadelv1.ObjectDetails, error) {
	if err != nil {
		return nil, err
	}
	return Changed(c, u.CreatedAt), nil
}

// Time returns a time that may be absent.
func Time(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}

// Expiry returns the time of a request field that may be absent, as exactly as
// the databases keep it.
func Expiry(t *timestamppb.Timestamp) *time.Time {
	if t == nil {
		return nil
	}
	at := t.AsTime().Truncate(time.Microsecond)
	return &at
}
