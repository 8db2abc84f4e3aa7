package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"google.golang.org/protobuf/proto"

	appv1 "github.com/bastide-id/bastide/gen/zitadel/app/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
)

const (
	scopeAPI     = "urn:zitadel:iam:org:project:id:zitadel:aud"
	scopeProject = "urn:zitadel:iam:org:project:id:%s:aud"
)

// party is who calls the OAuth endpoints.
type party struct {
	// assertion is what the machine user signed for an hour, the longest there
	// is. It has no id, so that it may be repeated.
	assertion string
	key       *rsa.PublicKey
	// clientID and clientSecret are those of an API application.
	clientID, clientSecret string
	// forProject is a token of the machine user that the application may look
	// at, forProfile one that is good for its claims.
	forProject, forProfile string
}

// enroll sets up whom the OAuth endpoints are called by.
func (t *target) enroll(ctx context.Context) error {
	const name = "bench"
	management := func(procedure string, request, response proto.Message) error {
		return t.ask(ctx, procedure, t.owner, request, response)
	}
	var project managementv1.AddProjectResponse
	err := management(managementv1connect.ManagementServiceAddProjectProcedure, &managementv1.AddProjectRequest{Name: name}, &project)
	if err != nil {
		return err
	}
	var app managementv1.AddAPIAppResponse
	err = management(managementv1connect.ManagementServiceAddAPIAppProcedure, &managementv1.AddAPIAppRequest{
		ProjectId: project.GetId(), Name: name, AuthMethodType: appv1.APIAuthMethodType_API_AUTH_METHOD_TYPE_BASIC,
	}, &app)
	if err != nil {
		return err
	}
	var user managementv1.AddMachineUserResponse
	err = management(managementv1connect.ManagementServiceAddMachineUserProcedure, &managementv1.AddMachineUserRequest{UserName: name, Name: name}, &user)
	if err != nil {
		return err
	}
	var key managementv1.AddMachineKeyResponse
	err = management(managementv1connect.ManagementServiceAddMachineKeyProcedure, &managementv1.AddMachineKeyRequest{
		UserId: user.GetUserId(), Type: authnv1.KeyType_KEY_TYPE_JSON,
	}, &key)
	if err != nil {
		return err
	}
	t.party.clientID, t.party.clientSecret = app.GetClientId(), app.GetClientSecret()
	if err := t.party.sign(key.GetKeyDetails(), "http://"+t.host); err != nil {
		return err
	}
	if t.party.forProject, err = t.issue(ctx, fmt.Sprintf(scopeProject, project.GetId())); err != nil {
		return err
	}
	t.party.forProfile, err = t.issue(ctx, oidc.ScopeOpenID+" "+oidc.ScopeProfile)
	return err
}

// sign makes the assertion with the key of a key file.
func (p *party) sign(keyFile []byte, audience string) error {
	var file struct{ KeyID, Key, UserID string }
	if err := json.Unmarshal(keyFile, &file); err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(file.Key))
	if block == nil {
		return errors.New("the key of a key file is not PEM")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return err
	}
	p.key = &key.PublicKey
	signing := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: file.KeyID}}
	signer, err := jose.NewSigner(signing, nil)
	if err != nil {
		return err
	}
	now := time.Now()
	p.assertion, err = jwt.Signed(signer).Claims(jwt.Claims{
		Issuer:   file.UserID,
		Subject:  file.UserID,
		Audience: jwt.Audience{audience},
		IssuedAt: jwt.NewNumericDate(now),
		Expiry:   jwt.NewNumericDate(now.Add(time.Hour)),
	}).Serialize()
	return err
}

// issue returns a new access token of the machine user.
func (t target) issue(ctx context.Context, scope string) (string, error) {
	body, err := t.once(ctx, t.jwtProfile(scope))
	if err != nil {
		return "", err
	}
	var given struct {
		AccessToken string `json:"access_token"`
	}
	return given.AccessToken, json.Unmarshal(body, &given)
}

// The calls of OAuth: what is sent.

func (t target) jwtProfile(scope string) []byte {
	return t.form("/oauth/v2/token", "", url.Values{
		"grant_type": {string(oidc.GrantTypeBearer)}, "scope": {scope}, "assertion": {t.party.assertion},
	})
}

func (t target) introspection() []byte {
	basic := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(t.party.clientID) + ":" + url.QueryEscape(t.party.clientSecret)))
	return t.form("/oauth/v2/introspect", "Authorization: Basic "+basic+"\r\n", url.Values{"token": {t.party.forProject}})
}

func (t target) userinfo() []byte {
	return fmt.Appendf(nil, "GET /oidc/v1/userinfo HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", t.host, t.party.forProfile)
}

// form returns the bytes of a request of HTTP/1.1 that sends a form.
func (t target) form(path, header string, form url.Values) []byte {
	body := form.Encode()
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		path, t.host, header, len(body), body)
}

// once sends a request of HTTP/1.1 and returns the body of the answer. It
// returns an error unless the status is 200.
func (t target) once(ctx context.Context, request []byte) (body []byte, err error) {
	conn, err := t.connect(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	body, err = io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, body)
	}
	return body, err
}

// keyFile is where the ceiling finds the key that it verifies assertions with.
const keyFile = "key"

// record writes what the server answers to a call of OAuth into the directory,
// and what the ceiling needs to answer it too.
func (t target) record(ctx context.Context, c call, dir string) error {
	body, err := t.once(ctx, c.plain(t))
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	if !bytes.Contains(body, []byte(c.proof)) {
		return fmt.Errorf("%s: the answer lacks %s", c.name, c.proof)
	}
	der, err := x509.MarshalPKIXPublicKey(t.party.key)
	return errors.Join(
		err,
		os.WriteFile(filepath.Join(dir, keyFile), der, 0o600),
		os.WriteFile(filepath.Join(dir, c.name), body, 0o600),
	)
}
