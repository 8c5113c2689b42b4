package rules

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The longest file that ${file./path} reads.
const maxSecretFile = 64 << 10

// outside is where text of a policy file may come from besides the file: ${env.NAME} and ${file./path}.
type outside struct {
	env   func(string) (string, bool)
	check bool // a name or a file that is not there is a warning
}

// filled is what a text with holes came to.
type filled struct {
	text   string
	holes  int
	empty  []string // holes that are filled with nothing
	faults []holeFault
}

// holeFault is something wrong with one hole. Its error never quotes what a hole was filled with.
type holeFault struct {
	offset int  // of the hole in the text
	absent bool // nothing is wrong with the hole: what it names is not there
	err    error
}

// Fill replaces ${env.NAME}, by a look-up such as os.LookupEnv, and ${file./path} in a text, as in a policy file; $${ is a
// literal ${. The error says what is not there or empty, and never quotes what is.
func Fill(text string, env func(string) (string, bool)) (string, error) {
	f := outside{env: env}.fill(text)
	for _, fault := range f.faults {
		return "", fault.err
	}
	for _, hole := range f.empty {
		return "", fmt.Errorf("%s is empty", hole)
	}
	return f.text, nil
}

// fill replaces the holes of text. $${ is a literal ${.
func (o outside) fill(text string) filled {
	var f filled
	var out strings.Builder
	for at := 0; ; {
		i := strings.Index(text[at:], "${")
		if i < 0 {
			out.WriteString(text[at:])
			f.text = out.String()
			return f
		}
		hole := at + i
		if i > 0 && text[hole-1] == '$' {
			out.WriteString(text[at:hole-1] + "${")
			at = hole + 2
			continue
		}
		out.WriteString(text[at:hole])
		end := strings.IndexByte(text[hole:], '}')
		if end < 0 {
			f.faults = append(f.faults, holeFault{offset: hole, err: errors.New("${ without its }: want ${env.NAME} or ${file./path}")})
			return f
		}
		at = hole + end + 1
		value, err := o.value(strings.TrimSpace(text[hole+2 : at-1]))
		switch {
		case err != nil:
			f.faults = append(f.faults, holeFault{hole, errors.Is(err, fs.ErrNotExist), err})
		case value == "":
			f.empty = append(f.empty, text[hole:at])
		}
		f.holes++
		out.WriteString(value)
	}
}

// errUnset is fs.ErrNotExist for names of the environment.
type errUnset string

func (e errUnset) Error() string { return fmt.Sprintf("the environment has no %s", string(e)) }

func (e errUnset) Is(target error) bool { return target == fs.ErrNotExist }

// value is what one hole is filled with; the error is fs.ErrNotExist when what it names is not there.
func (o outside) value(hole string) (string, error) {
	kind, name, _ := strings.Cut(hole, ".")
	switch {
	case kind == "env" && name != "":
		value, ok := o.env(name)
		if !ok {
			return "", errUnset(name)
		}
		return value, nil
	case kind == "file" && filepath.IsAbs(name):
		return readSecretFile(name)
	case kind == "file":
		return "", fmt.Errorf("${%s}: want an absolute path, as in ${file./run/secrets/okta}", hole)
	default:
		return "", errors.New("want ${env.NAME} or ${file./path}") // what is there may be the secret itself
	}
}

// readSecretFile reads a regular file without the line end that editors and echo leave behind.
func readSecretFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		return "", fmt.Errorf("%s: want a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxSecretFile {
		return "", fmt.Errorf("%s: want at most %d bytes", path, maxSecretFile)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}
