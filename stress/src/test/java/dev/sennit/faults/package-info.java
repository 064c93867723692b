/** What befalls worker processes and their parents, while they are under load. */
@org.jspecify.annotations.NullMarked
package dev.sennit.faults;
