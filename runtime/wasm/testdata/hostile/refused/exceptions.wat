;; Exceptions.
;; refused: exceptions
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0))
  (tag (param i32)))
