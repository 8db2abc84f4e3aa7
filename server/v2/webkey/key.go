package webkey

import (
	"context"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/signingkey"
	webkeyv2 "github.com/bastide-id/bastide/gen/zitadel/webkey/v2"
	"github.com/bastide-id/bastide/server/token"
)

// Keys are the calls about keys.
type Keys struct{ tokens *token.Tokens }

// The kinds of keys, by their names in requests.
var (
	bits = map[webkeyv2.RSABits]int{
		webkeyv2.RSABits_RSA_BITS_2048: 2048,
		webkeyv2.RSABits_RSA_BITS_3072: 3072,
		webkeyv2.RSABits_RSA_BITS_4096: 4096,
	}
	hashers = map[webkeyv2.RSAHasher]jose.SignatureAlgorithm{
		webkeyv2.RSAHasher_RSA_HASHER_SHA256: jose.RS256,
		webkeyv2.RSAHasher_RSA_HASHER_SHA384: jose.RS384,
		webkeyv2.RSAHasher_RSA_HASHER_SHA512: jose.RS512,
	}
	curves = map[webkeyv2.ECDSACurve]jose.SignatureAlgorithm{
		webkeyv2.ECDSACurve_ECDSA_CURVE_P256: jose.ES256,
		webkeyv2.ECDSACurve_ECDSA_CURVE_P384: jose.ES384,
		webkeyv2.ECDSACurve_ECDSA_CURVE_P512: jose.ES512,
	}
	states = map[signingkey.State]webkeyv2.State{
		signingkey.StateInitial:  webkeyv2.State_STATE_INITIAL,
		signingkey.StateActive:   webkeyv2.State_STATE_ACTIVE,
		signingkey.StateInactive: webkeyv2.State_STATE_INACTIVE,
	}
)

// CreateWebKey makes a key that does not sign yet.
func (s Keys) CreateWebKey(ctx context.Context, req *webkeyv2.CreateWebKeyRequest) (*webkeyv2.CreateWebKeyResponse, error) {
	row, err := s.tokens.CreateSigningKey(ctx, kindOf(req))
	if err != nil {
		return nil, err
	}
	return &webkeyv2.CreateWebKeyResponse{Id: row.KeyID, CreationDate: timestamppb.New(row.CreatedAt)}, nil
}

func kindOf(req *webkeyv2.CreateWebKeyRequest) token.KeyKind {
	switch key := req.GetKey().(type) {
	case *webkeyv2.CreateWebKeyRequest_Rsa:
		return token.KeyKind{Algorithm: hashers[key.Rsa.GetHasher()], Bits: bits[key.Rsa.GetBits()]}
	case *webkeyv2.CreateWebKeyRequest_Ecdsa:
		return token.KeyKind{Algorithm: curves[key.Ecdsa.GetCurve()]}
	case *webkeyv2.CreateWebKeyRequest_Ed25519:
		return token.KeyKind{Algorithm: jose.EdDSA}
	}
	return token.DefaultKeyKind
}

// ListWebKeys returns all keys, the newest first.
func (s Keys) ListWebKeys(ctx context.Context, _ *webkeyv2.ListWebKeysRequest) (*webkeyv2.ListWebKeysResponse, error) {
	rows, err := s.tokens.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	answer := &webkeyv2.ListWebKeysResponse{}
	for _, row := range rows {
		key, err := keyToProto(row)
		if err != nil {
			return nil, err
		}
		answer.WebKeys = append(answer.WebKeys, key)
	}
	return answer, nil
}

// ActivateWebKey makes a key the one that signs.
func (s Keys) ActivateWebKey(ctx context.Context, req *webkeyv2.ActivateWebKeyRequest) (*webkeyv2.ActivateWebKeyResponse, error) {
	at, err := s.tokens.ActivateSigningKey(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &webkeyv2.ActivateWebKeyResponse{ChangeDate: timestamppb.New(at)}, nil
}

// DeleteWebKey takes a key away. One that is not there is no error.
func (s Keys) DeleteWebKey(ctx context.Context, req *webkeyv2.DeleteWebKeyRequest) (*webkeyv2.DeleteWebKeyResponse, error) {
	at, err := s.tokens.RemoveSigningKey(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	answer := &webkeyv2.DeleteWebKeyResponse{}
	if at != nil {
		answer.DeletionDate = timestamppb.New(*at)
	}
	return answer, nil
}

func keyToProto(row *ent.SigningKey) (*webkeyv2.WebKey, error) {
	kind, err := token.KindOf(row)
	if err != nil {
		return nil, err
	}
	key := &webkeyv2.WebKey{
		Id:           row.KeyID,
		CreationDate: timestamppb.New(row.CreatedAt),
		ChangeDate:   timestamppb.New(row.ChangedAt),
		State:        states[row.State],
	}
	curve := named(curves, kind.Algorithm)
	switch {
	case kind.Bits != 0:
		key.Key = &webkeyv2.WebKey_Rsa{Rsa: &webkeyv2.RSA{Bits: named(bits, kind.Bits), Hasher: named(hashers, kind.Algorithm)}}
	case curve != 0:
		key.Key = &webkeyv2.WebKey_Ecdsa{Ecdsa: &webkeyv2.ECDSA{Curve: curve}}
	default:
		key.Key = &webkeyv2.WebKey_Ed25519{Ed25519: &webkeyv2.ED25519{}}
	}
	return key, nil
}

// named returns the name of a value, 0 if it has none.
func named[N, V comparable](names map[N]V, value V) (name N) {
	for n, v := range names {
		if v == value {
			return n
		}
	}
	return name
}
