package audit

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
)

// seal encrypts what an entry says of a person: AES-256-GCM, a random nonce in front. The entry's place in the chain goes into the
// authentication, so that a sealed part cannot be moved to another entry even by whoever can mend the chain.
func (p *person) seal(sequence int64, what *Private) ([]byte, error) {
	plain, err := json.Marshal(what)
	if err != nil {
		return nil, fmt.Errorf("seal entry %d: %w", sequence, err)
	}
	box, err := p.cipher()
	if err != nil {
		return nil, fmt.Errorf("seal entry %d: %w", sequence, err)
	}
	nonce := make([]byte, box.NonceSize(), box.NonceSize()+len(plain)+box.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return box.Seal(nonce, nonce, plain, p.bound(sequence)), nil
}

var errSealed = errors.New("its sealed part does not open with the person's key")

func (p *person) open(e *Entry) (*Private, error) {
	box, err := p.cipher()
	if err != nil {
		return nil, err
	}
	if len(e.Sealed) < box.NonceSize() {
		return nil, fmt.Errorf("entry %d: %w", e.Sequence, errSealed)
	}
	plain, err := box.Open(nil, e.Sealed[:box.NonceSize()], e.Sealed[box.NonceSize():], p.bound(e.Sequence))
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", e.Sequence, errSealed)
	}
	var what Private
	if err := json.Unmarshal(plain, &what); err != nil {
		return nil, fmt.Errorf("entry %d: %w", e.Sequence, err)
	}
	return &what, nil
}

func (p *person) cipher() (cipher.AEAD, error) {
	block, err := aes.NewCipher(p.key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (p *person) bound(sequence int64) []byte { return fmt.Appendf(nil, "%s %d", p.tag, sequence) }
