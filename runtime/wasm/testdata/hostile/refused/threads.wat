;; A memory that is shared.
;; refused: shared
(module
  (memory (export "memory") 1 1 shared)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0)))
