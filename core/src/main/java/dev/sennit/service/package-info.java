/**
 * Services: parts of a program that run for long, in processes that are kept alive, replaced without a gap, and told
 * the truth about.
 *
 * <p>{@link dev.sennit.service.ServiceManager} is the way in. Every wait in this package has a limit.
 */
@NullMarked
package dev.sennit.service;

import org.jspecify.annotations.NullMarked;
