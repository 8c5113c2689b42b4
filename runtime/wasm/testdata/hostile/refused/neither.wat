;; Neither convention.
;; refused: export evaluate or decide: both are missing
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1")))
