package git

import (
	"bytes"
	"crypto"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// addOpenPGP takes the keys of one armored block.
func (k *keyring) addOpenPGP(armored string) error {
	list, err := openpgp.ReadArmoredKeyRing(strings.NewReader(armored))
	if err != nil {
		return fmt.Errorf("the OpenPGP key that ends here cannot be read: %s", oneLine(err))
	}
	for _, entity := range list {
		if entity.PrivateKey != nil {
			return errPrivate
		}
	}
	k.openPGP = append(k.openPGP, list...)
	return nil
}

// weak are the hashes for which two texts with the same sum can be made, or soon.
var weak = map[crypto.Hash]bool{crypto.MD5: true, crypto.SHA1: true, crypto.RIPEMD160: true}

// verifyOpenPGP answers the fingerprint of the key that made a signature. The key is
// one of those that were given, a primary key or a subkey for signing that is bound
// to one; and it holds now, not only at the time that the signature claims, for
// whoever has found an old key can put any time into one.
func (k keyring) verifyOpenPGP(payload, armored []byte, now time.Time) (signer, text, hint string) {
	raw, sig, err := readOpenPGP(armored)
	if err != nil {
		return "", "has a signature that cannot be read, or more than one", signAgain
	}
	entity, key, fingerprint := k.find(sig)
	if entity == nil {
		return "", "is signed by OpenPGP key " + fingerprint + ", which --signed-by does not name", "add the key there, or sign with one that is there"
	}
	if sig.Hash != crypto.SHA256 && sig.Hash != crypto.SHA384 && sig.Hash != crypto.SHA512 {
		return "", fmt.Sprintf("is signed with the hash %v; only SHA-256, SHA-384 and SHA-512 are accepted", sig.Hash), signAgain
	}
	config := &packet.Config{Time: func() time.Time { return now },
		RejectHashAlgorithms: weak, RejectMessageHashAlgorithms: weak}
	if err = holdsNow(entity, key, config); err == nil {
		_, _, err = openpgp.VerifyDetachedSignature(openpgp.EntityList{entity}, bytes.NewReader(payload), bytes.NewReader(raw), config)
	}
	_, tooWeak := errors.AsType[pgperrors.WeakAlgorithmError](err)
	switch {
	case err == nil:
		return fingerprint, "", ""
	case tooWeak:
		return "", "is signed by OpenPGP key " + fingerprint + ", whose kind or length is too weak", signAgain
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return "", "is signed by OpenPGP key " + fingerprint + ", which is revoked", signAgain
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return "", "is signed by OpenPGP key " + fingerprint + ", which has expired", "extend the key and renew it where --signed-by reads it, or sign with another one"
	case errors.Is(err, errUnbound):
		return "", "is signed by OpenPGP key " + fingerprint + ", which has no signature of its own that counts", "renew those on the key, where SHA-1 counts no longer, or sign with another key"
	case errors.Is(err, pgperrors.ErrSignatureExpired) && sig.CreationTime.After(now):
		return "", "has a signature of the future: " + sig.CreationTime.UTC().Format(time.RFC3339), "set the clock that was wrong; once that time has come it is accepted"
	case errors.Is(err, pgperrors.ErrSignatureExpired):
		return "", "has a signature that has expired", signAgain
	}
	return "", "has a signature by OpenPGP key " + fingerprint + " that does not hold", "find out who changed it after it was signed; if it was you, sign it again"
}

// errUnbound says that nothing good binds a key to its name, or to its primary key.
var errUnbound = errors.New("not bound")

// holdsNow says why a key does not count at this time.
func holdsNow(entity *openpgp.Entity, key *packet.PublicKey, config *packet.Config) error {
	_, err := entity.VerifyPrimaryKey(config.Now(), config)
	for _, sub := range entity.Subkeys {
		if err == nil && sub.PublicKey == key {
			_, err = sub.Verify(config.Now(), config)
		}
	}
	if err == nil || errors.Is(err, pgperrors.ErrKeyRevoked) || errors.Is(err, pgperrors.ErrKeyExpired) {
		return err
	}
	return errUnbound
}

// readOpenPGP reads the one signature that there may be.
func readOpenPGP(armored []byte) (raw []byte, sig *packet.Signature, err error) {
	block, err := armor.Decode(bytes.NewReader(armored))
	if err != nil {
		return nil, nil, err
	}
	if raw, err = io.ReadAll(block.Body); err != nil {
		return nil, nil, err
	}
	packets := packet.NewReader(bytes.NewReader(raw))
	p, err := packets.Next()
	if err != nil {
		return nil, nil, err
	}
	sig, ok := p.(*packet.Signature)
	if !ok || sig.IssuerKeyId == nil || sig.SigType != packet.SigTypeBinary {
		return nil, nil, errors.New("it is not one of a file, with its issuer")
	}
	// Neither the ID nor the fingerprint of the issuer need be signed, and go-crypto
	// tries the key with the ID: it must be the one whose fingerprint is looked at.
	if f, id := sig.IssuerFingerprint, binary.BigEndian.AppendUint64(nil, *sig.IssuerKeyId); f != nil && !bytes.HasSuffix(f, id) && !bytes.HasPrefix(f, id) {
		return nil, nil, errors.New("it names two issuers")
	}
	if _, err := packets.Next(); err != io.EOF {
		return nil, nil, errors.New("more than one signature stands there")
	}
	return raw, sig, nil
}

// find answers the key that a signature names, and its fingerprint as far as the
// signature tells it. That the key did make the signature remains to be seen.
func (k keyring) find(sig *packet.Signature) (*openpgp.Entity, *packet.PublicKey, string) {
	names := func(key *packet.PublicKey) bool {
		return *sig.IssuerKeyId == key.KeyId && (sig.IssuerFingerprint == nil || bytes.Equal(sig.IssuerFingerprint, key.Fingerprint))
	}
	for _, entity := range k.openPGP {
		if names(entity.PrimaryKey) {
			return entity, entity.PrimaryKey, fmt.Sprintf("%X", entity.PrimaryKey.Fingerprint)
		}
		for _, sub := range entity.Subkeys {
			if names(sub.PublicKey) {
				return entity, sub.PublicKey, fmt.Sprintf("%X", sub.PublicKey.Fingerprint)
			}
		}
	}
	if sig.IssuerFingerprint != nil {
		return nil, nil, fmt.Sprintf("%X", sig.IssuerFingerprint)
	}
	return nil, nil, fmt.Sprintf("%016X", *sig.IssuerKeyId)
}
