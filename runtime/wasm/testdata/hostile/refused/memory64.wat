;; A memory of 64 bits.
;; refused:
(module
  (memory (export "memory") i64 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0)))
