/** What single calls cost, measured by JMH: {@code java -jar benchmarks/target/benchmarks.jar}. */
@NullMarked
package dev.sennit.benchmarks.micro;

import org.jspecify.annotations.NullMarked;
