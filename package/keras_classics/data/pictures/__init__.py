"""Pictures with classes: files, folders, arrays, augmentation, preparation, batches."""
