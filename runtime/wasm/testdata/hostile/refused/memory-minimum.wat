;; More memory than any budget has.
;; refused: memory
(module
  (memory (export "memory") 65536)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0)))
