/**
 * JUnit tests under many schedules, and with real servers: {@link dev.sennit.junit.Schedules} in place of {@code @Test}
 * runs a test under many schedules, {@link dev.sennit.junit.WithServer} starts PostgreSQL, Redis or RabbitMQ for a
 * class.
 */
@NullMarked
package dev.sennit.junit;

import org.jspecify.annotations.NullMarked;
