-- Gives a server that has started an id, unless somebody has; of two who do so at once the smaller one counts from then on.
INSERT INTO _server_life (Id) SELECT generateUUIDv4() WHERE (SELECT count() FROM _server_life) = 0
