package token

// MakeKeyPairs has all key pairs ready that t holds, before Start.
func (t *Tokens) MakeKeyPairs() error {
	for len(t.pairs.ready) < cap(t.pairs.ready) {
		pair, err := generate()
		if err != nil {
			return err
		}
		t.pairs.ready <- pair
	}
	return nil
}

// InBatches has t read so many signing keys at once.
func (t *Tokens) InBatches(number int) { t.rotationBatch = number }
