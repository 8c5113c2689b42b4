;; A memory that is a function.
;; refused: export memory:
(module
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0))
  (func (export "memory")))
