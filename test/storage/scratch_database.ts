// Databases for tests that need IndexedDB: each of its own name, deleted when the test ends.

import { deleteDB } from 'idb';
import { onTestFinished } from 'vitest';
import { type Database, type DatabaseOptions, openDatabase } from '../../src/storage/database';

let count = 0;

/** A name that no other test uses; the database of that name is deleted after the test. */
export function scratchName(): string {
  const name = `test-${Date.now()}-${count++}`;
  onTestFinished(() => deleteDB(name));
  return name;
}

/** An open database of its own, closed after the test. */
export async function scratchDatabase(name = scratchName(), options?: DatabaseOptions): Promise<Database> {
  const database = await openDatabase(name, options);
  onTestFinished(() => database.close());
  return database;
}
