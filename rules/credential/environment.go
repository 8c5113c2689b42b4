package credential

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxSecretFile is the size of the longest file that ${file./path} reads, in bytes.
const maxSecretFile = 64 << 10

// environment fills the holes ${env.NAME} and ${file./path} in texts of a policy.
type environment struct {
	env   func(string) (string, bool)
	check bool // a missing variable or file is a warning
}

// filling is a text with its holes filled.
type filling struct {
	text   string
	holes  int
	empty  []string // holes with an empty value
	faults []holeFault
}

// holeFault is the fault of one hole. Its error never quotes the value of a hole.
type holeFault struct {
	offset int  // of the hole in the text
	absent bool // the variable or file is missing
	err    error
}

// Fill replaces ${env.NAME}, by a lookup such as os.LookupEnv, and ${file./path} in a text, as in a
// policy file; $${ is a literal ${. The error names the missing or empty hole and never quotes a
// value.
func Fill(text string, env func(string) (string, bool)) (string, error) {
	f := environment{env: env}.fill(text)
	for _, fault := range f.faults {
		return "", fault.err
	}
	for _, hole := range f.empty {
		return "", fmt.Errorf("%s is empty", hole)
	}
	return f.text, nil
}

// fill replaces the holes of text. $${ is a literal ${.
func (o environment) fill(text string) filling {
	var f filling
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

// errUnset is fs.ErrNotExist for environment variables.
type errUnset string

func (e errUnset) Error() string { return fmt.Sprintf("the environment has no %s", string(e)) }

func (e errUnset) Is(target error) bool { return target == fs.ErrNotExist }

// value returns the value of one hole. The error is fs.ErrNotExist if the variable or file is
// missing.
func (o environment) value(hole string) (string, error) {
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
		return "", errors.New("want ${env.NAME} or ${file./path}") // the text may be the secret itself
	}
}

// readSecretFile reads a regular file without the line end that editors and echo append.
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
