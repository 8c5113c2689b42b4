;; A reference to one.
;; refused: function 2
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (elem declare func 2)
  (func (export "decide") (result i64)
    (drop (ref.func 2))
    (i64.const 0)))
