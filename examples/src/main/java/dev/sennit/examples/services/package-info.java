/** Services: programs that keep some, and classes that {@code sennit services} runs from a file. */
package dev.sennit.examples.services;
