SELECT lower(name) FROM system.functions WHERE higher_order
