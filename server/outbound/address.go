package outbound

import (
	"fmt"
	"net/netip"
	"syscall"
)

// networks parses networks that are part of the program.
func networks(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// The networks of IPv4 that are not of the public Internet.
// https://www.iana.org/assignments/iana-ipv4-special-registry
var special4 = networks(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
)

// global6 is the part of IPv6 that is given to the public Internet. Outside of
// it lie loopback, link-local, unique local and multicast addresses, and those
// that stand for an IPv4 address (IPv4-mapped, IPv4-compatible, NAT64).
// https://www.iana.org/assignments/ipv6-address-space
var global6 = netip.MustParsePrefix("2000::/3")

// The networks of global6 that are not: protocols, tunnels that stand for
// another address (Teredo, 6to4), documentation.
// https://www.iana.org/assignments/iana-ipv6-special-registry
var special6 = networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")

// Public reports whether an address is one of the public Internet. One that
// only stands for another address is not, whichever that is, but for the
// IPv4-mapped form, which is how programs write IPv4.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	special := special4
	if a.Is6() {
		if !global6.Contains(a) { // also with a zone
			return false
		}
		special = special6
	}
	for _, network := range special {
		if network.Contains(a) {
			return false
		}
	}
	return a.IsValid()
}

// publicOnly refuses to connect to an address that is not public. It is asked
// with the address that is dialed, after every look-up, so that no name leads
// anywhere else in between.
func publicOnly(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !Public(to.Addr()) {
		return fmt.Errorf("outbound: %s is not a public address", to.Addr())
	}
	return nil
}
