package main

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/bastide-id/bastide/server/servertest"
)

// A server whose certificate nobody else trusts.
func TestCallTrustsCertificates(t *testing.T) {
	cert, key := certificate(t)
	s := servertest.Installed(t, servertest.SQLite)
	dir := s.DataDir
	running := start(t, "--data-dir", dir, "--tls-cert", cert, "--tls-key", key)
	env := []string{"BASTIDE_DATA_DIR=" + dir}
	for _, protocol := range []string{"connect", "grpc", "grpc-web"} {
		for _, flag := range []string{"--cacert", "--tls-cert"} {
			args := []string{"call", "AuthService/GetMyUser", "--protocol", protocol, flag, cert}
			if flag == "--tls-cert" { // as the server itself has it
				args = append(args, "--tls-key", key)
			}
			if name := userName(t, bastide(t, env, args...)); name != "owner" {
				t.Errorf("%s: the user is %v", protocol, name)
			}
		}
	}
	if got := bastide(t, env, "call", "AuthService/GetMyUser"); got.code != exitFailed || !strings.Contains(got.stderr, "certificate") {
		t.Errorf("without the certificate: %+v", got)
	}
	if got := running.stop(); got.code != exitOK {
		t.Errorf("%+v", got)
	}
}

// certificate makes a certificate for localhost, and returns its file and that
// of its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private := ecKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))), write(t, "key.pem", privatePEM(t, private))
}
