CREATE TABLE _server_life
(
    `Id` UUID COMMENT 'random; the smallest counts'
)
ENGINE = Memory
COMMENT 'Internal: who the server is since it started'
