package watch

import "time"

// Status is what is live and what is in its way.
type Status struct {
	Folder     string    `json:"folder"`              // absolute path
	FolderHash string    `json:"folderHash"`          // the folder's content when it was last read
	Revision   string    `json:"revision"`            // of the live Set
	LoadedAt   time.Time `json:"loadedAt"`            // when the live Set went live
	From       string    `json:"from"`                // FromFolder or FromLastGood
	Stale      bool      `json:"stale"`               // what is live is not what the folder holds
	LastError  string    `json:"lastError,omitempty"` // why it is stale
	FailedAt   time.Time `json:"failedAt,omitzero"`   // when that was first seen
	Modules    []Module  `json:"modules,omitempty"`   // that rules can run; not to be changed
}

// Where a live Set came from.
const (
	FromFolder   = "folder"
	FromLastGood = "last good copy"
)
