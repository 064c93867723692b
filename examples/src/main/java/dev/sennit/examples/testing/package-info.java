/** Programs whose schedules are tried out, and programs beside servers that die and connections that break. */
package dev.sennit.examples.testing;
