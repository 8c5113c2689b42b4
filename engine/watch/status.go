package watch

import (
	"time"

	"github.com/tenterhook/tenterhook/rules/document"
)

// Status describes the live Set, and why the folder is not live.
type Status struct {
	Folder     string    `json:"folder"`              // absolute path
	FolderHash string    `json:"folderHash"`          // of the content at the last reading
	Revision   string    `json:"revision"`            // of the live Set
	LoadedAt   time.Time `json:"loadedAt"`            // when the live Set went live
	From       string    `json:"from"`                // FromFolder or FromLastGood
	Stale      bool      `json:"stale"`               // the live Set differs from the folder
	LastError  string    `json:"lastError,omitempty"` // why it is stale
	FailedAt   time.Time `json:"failedAt,omitzero"`   // first occurrence of LastError
	Modules    []Module  `json:"modules,omitempty"`   // read-only

	Warnings document.Problems `json:"warnings,omitempty"` // of the live Set; read-only
}

// Origins of a live Set.
const (
	FromFolder   = "folder"
	FromLastGood = "last good copy"
)
