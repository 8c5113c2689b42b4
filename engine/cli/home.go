package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// dataDir makes the data directory, for its owner only. It lies outside the policy folder: what is written there would
// change the folder.
func (p *Program) dataDir(data, policy string) (string, error) {
	if data == "" {
		var err error
		if data, err = p.stateDir(); err != nil {
			return "", err
		}
	}
	data, err := filepath.Abs(data)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", fmt.Errorf("make the data directory: %w", err)
	}
	if within(data, policy) {
		return "", usage("%s %s: want a directory outside the policy folder %s", p.setting("data"), data, policy)
	}
	return data, p.private(data)
}

// private refuses a directory in which every user of the machine may put, and replace, what this program trusts: the ledger,
// the last good rules, the tokens. A group may, because a volume is given to a program in this way.
func (p *Program) private(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("the data directory: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0 { // its modes say nothing about who may
		return usage("%s %s: everybody on this machine may write there (mode %v): want a directory of one's own, such as %s, which is made when it "+
			"is not there", p.setting("data"), dir, info.Mode(), filepath.Join(dir, "tenterhook"))
	}
	return nil
}

// within reports whether path lies in dir, wherever links lead.
func within(path, dir string) bool {
	top, err := os.Stat(dir)
	if err != nil {
		return false // the folder is not there; that is told when it is read
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return false
	}
	for {
		if here, err := os.Stat(path); err == nil && os.SameFile(here, top) {
			return true
		}
		up := filepath.Dir(path)
		if up == path {
			return false
		}
		path = up
	}
}
