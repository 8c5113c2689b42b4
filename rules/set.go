// Package rules is for turning a policy folder into a Set: load, check, select, merge.
package rules

import (
	"errors"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Set is everything loaded from one policy folder, compiled and immutable.
type Set struct{}

// Hook is one configured endpoint.
type Hook struct {
	Name, Path string
	Type       hook.Type
	Budget     runtime.Budget
}

// Load compiles a folder.
func Load(dir string) (*Set, error) { return nil, errors.New("rules cannot be loaded yet") }
