package server

import "github.com/bastide-id/bastide/server/wire"

// origins returns the origins whose pages may call: those of the configuration.
// Without one, pages of this machine may call a server that nobody else can.
func (s *Server) origins() (wire.Origins, error) {
	texts := s.config.CORSOrigins
	if len(texts) == 0 && s.onLoopback() {
		texts = []string{wire.LocalOrigins}
	}
	return wire.ParseOrigins(texts)
}
