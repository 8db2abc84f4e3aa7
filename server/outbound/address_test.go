package outbound

import (
	"net/netip"
	"testing"
)

// addresses tells which addresses are public.
var addresses = map[string]bool{
	"8.8.8.8":              true,
	"1.1.1.1":              true,
	"9.255.255.255":        true,
	"11.0.0.0":             true,
	"100.63.255.255":       true,
	"100.128.0.0":          true,
	"172.15.255.255":       true,
	"172.32.0.0":           true,
	"223.255.255.255":      true,
	"2606:4700::1111":      true,
	"2a00:1450:4001::200e": true,
	"2001:4860:4860::8888": true,
	"::ffff:8.8.8.8":       true,

	"0.0.0.0":                false,
	"0.1.2.3":                false,
	"10.0.0.1":               false,
	"10.255.255.255":         false,
	"100.64.0.1":             false, // shared by customers of a carrier
	"100.127.255.255":        false,
	"127.0.0.1":              false,
	"127.255.255.254":        false,
	"169.254.169.254":        false, // where clouds hand out credentials
	"172.16.0.1":             false,
	"172.31.255.255":         false,
	"192.0.0.1":              false,
	"192.0.2.1":              false,
	"192.88.99.1":            false,
	"192.168.0.1":            false,
	"198.18.0.1":             false,
	"198.19.255.255":         false,
	"198.51.100.1":           false,
	"203.0.113.1":            false,
	"224.0.0.1":              false,
	"239.255.255.255":        false,
	"240.0.0.1":              false,
	"255.255.255.255":        false,
	"::":                     false,
	"::1":                    false,
	"::7f00:1":               false, // IPv4-compatible
	"::8.8.8.8":              false,
	"::ffff:127.0.0.1":       false,
	"::ffff:10.0.0.1":        false,
	"::ffff:169.254.169.254": false,
	"::ffff:a9fe:a9fe":       false,
	"::ffff:0:127.0.0.1":     false, // IPv4-translated
	"64:ff9b::127.0.0.1":     false, // NAT64
	"64:ff9b::a9fe:a9fe":     false,
	"64:ff9b::8.8.8.8":       false,
	"64:ff9b:1::10.0.0.1":    false,
	"100::1":                 false,
	"2001::1":                false, // Teredo
	"2001:0:7f00:1::":        false,
	"2001:10::1":             false,
	"2001:20::1":             false,
	"2001:db8::1":            false,
	"2002:7f00:1::":          false, // 6to4
	"2002:a9fe:a9fe::1":      false,
	"2002:808:808::":         false,
	"3fff::1":                false,
	"5f00::1":                false,
	"fc00::1":                false,
	"fd00:ec2::254":          false,
	"fe80::1":                false,
	"fe80::1%eth0":           false,
	"2a00:1450::1%eth0":      false,
	"fec0::1":                false,
	"ff02::1":                false,
	"4000::1":                false,
}

func TestPublic(t *testing.T) {
	for text, want := range addresses {
		if got := Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func TestPublicOnly(t *testing.T) {
	for address, allowed := range map[string]bool{
		"8.8.8.8:443":           true,
		"[2606:4700::1111]:80":  true,
		"127.0.0.1:80":          false,
		"[::1]:443":             false,
		"[::ffff:10.0.0.1]:443": false,
		"[fe80::1%1]:443":       false,
		"8.8.8.8":               false, // no port
		"example.com:443":       false, // no address
		"":                      false,
	} {
		if err := publicOnly("tcp", address, nil); (err == nil) != allowed {
			t.Errorf("%q: %v", address, err)
		}
	}
}
