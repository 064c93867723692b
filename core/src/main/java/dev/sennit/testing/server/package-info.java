/**
 * Real servers for tests: {@link dev.sennit.testing.server.TestServer} starts PostgreSQL, Redis or RabbitMQ on a free
 * port of the loopback interface, with its data in a temporary folder, and ends it whatever happens.
 */
@NullMarked
package dev.sennit.testing.server;

import org.jspecify.annotations.NullMarked;
