/** Programs whose schedules are tried out. */
package dev.sennit.examples.testing;
